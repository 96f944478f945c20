import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { FileMapping } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import type { PlaybookId } from '../playbook.ts'
import { describeFilter, describeWindow, type Filter, type TimeWindow } from '../questions/reading.ts'

/** The rows a question is about, where it does not ask about all of them. */
export interface Selection {
  readonly filters: readonly Filter[]
  readonly window: TimeWindow | null
  /** Two periods to compare, or one to compare with the one before it; only of a playbook that compares. */
  readonly compare: readonly TimeWindow[]
}

export interface SelectionFile {
  readonly profile: FileProfile
  readonly mapping: FileMapping
}

export const wholeSelection: Selection = { filters: [], window: null, compare: [] }

/** "only rows where tenant is not acme, from 2026-10-01 and before 2026-11-01 UTC by timestamp" */
export function describeSelection({ filters, window }: Selection): string | null {
  const parts = [
    ...(filters.length === 0 ? [] : [`where ${filters.map(describeFilter).join(' and ')}`]),
    ...(window === null ? [] : [describeWindow(window)]),
  ]
  return parts.length === 0 ? null : `only rows ${parts.join(', ')}`
}

/** Playbooks whose windows are what they compare, not what they leave out. */
export const comparing: ReadonlySet<PlaybookId> = new Set(['month_over_month'])

/** Fields whose values a playbook speaks of as its subject: "do we need gpt-5" limits nothing. */
export const subjects: Readonly<Partial<Record<PlaybookId, readonly FieldName[]>>> = {
  down_shift: ['model'],
  errors_retries: ['status', 'provider'],
  lengths_truncation: ['finish_reason'],
}
