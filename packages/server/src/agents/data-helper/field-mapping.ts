import type { FileId, Question } from '@holdfast/protocol'
import type { FileProfile } from '../../workspace/file-profile.ts'
import { mapColumns } from './columns/map-columns.ts'
import type { FieldName, Grain } from './fields.ts'
import { findFormat } from './formats/formats.ts'
import { mapFormat } from './formats/map-format.ts'

/** How one field is read from one file's raw table. */
export interface MappedField {
  readonly field: FieldName
  /** Columns it is read from; more than one where it is derived (latency = end − start). */
  readonly columns: readonly string[]
  /** 0…1; at least 0.8 counts as mapped (verdict rule). */
  readonly confidence: number
  /** For people: why this column. */
  readonly evidence: string
  /**
   * DuckDB expression over the raw table, already of the field's type and unit; NULL where a value does not parse.
   * Empty for an estimated cost: its SQL needs the price list, which canonical-view.ts has.
   */
  readonly sql: string
  /** For a condition on single rows, where `sql` looks at all of them and cannot stand in one. Default: `sql`. */
  readonly rowSql?: string
  /** Share of the filled values that parse, 0…1. */
  readonly parsed: number
  /** Derived from other fields rather than read, e.g. cost from model, tokens and list prices: labelled in the answer. */
  readonly estimated: boolean
  /** What a reader of an answer that uses this field should know. */
  readonly note?: string
}

export type MappedFields = Readonly<Partial<Record<FieldName, MappedField>>>

/** A question about one field; the field is not mapped until it is answered. */
export type FieldQuestion = Question & { readonly field: FieldName }

/** What a file's columns mean. Pure: computed from its profile and the choices the user has made in the thread. */
export interface FileMapping {
  readonly fileId: FileId
  readonly fileName: string
  /** The export format that was recognised, e.g. litellm_spendlogs; null for a table of the user's own. */
  readonly format: string | null
  /** Whose traffic a provider's own export shows; null where that is not known (a gateway, the user's own table). */
  readonly vendor: 'openai' | 'anthropic' | 'bedrock' | 'cursor' | null
  readonly grain: Grain
  /** The finest step its times are written in: a request log with dates only cannot give requests per minute. */
  readonly timeStep: TimeStep
  readonly rows: number
  readonly fields: MappedFields
  /** DuckDB condition for a row that succeeded; null where the file does not say. */
  readonly ok: string | null
  /** Whether any row failed, where the profile shows every value that tells; null where only a query can. */
  readonly failures: boolean | null
  /** Two readings that are level, each one question with choices; the fields they concern are not mapped until answered. */
  readonly questions: readonly FieldQuestion[]
  /** Rows that must be left out (a totals row, Langfuse parents): a DuckDB condition for rows to keep, or null. */
  readonly keep: string | null
  /** Of the time field, from the profile; null where it is not known. */
  readonly span: Span | null
  /** Every model in the file, where the profile shows them all; null where only a query can tell. */
  readonly models: readonly string[] | null
  /** What a reader should know whatever is asked; what concerns one field stands with it. */
  readonly notes: readonly string[]
}

export type TimeStep = 'second' | 'minute' | 'hour' | 'day'

/** RFC 3339 in UTC; `days` counts from the first to the last time, rounded up, at least 1. */
export interface Span {
  readonly from: string
  readonly to: string
  readonly days: number
}

/** What the user decided, by question id; see question-choices.ts. */
export type Choices = ReadonlyMap<string, string>

/** At least this much confidence, and this share of values that parse, make a field mapped (verdict rule). */
export const mappingLimits = { confidence: 0.8, parsed: 0.95 } as const

export function mapFile(profile: FileProfile, choices: Choices): FileMapping {
  const format = findFormat(profile)
  return format === null ? mapColumns(profile, choices) : mapFormat(profile, format, choices)
}

/** Mapped in the sense of the verdict rule. */
export function isMapped(mapping: FileMapping, field: FieldName): boolean {
  const mapped = mapping.fields[field]
  return (
    mapped !== undefined &&
    mapped.confidence >= mappingLimits.confidence &&
    mapped.parsed >= mappingLimits.parsed
  )
}
