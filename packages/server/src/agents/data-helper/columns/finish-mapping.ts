import type { FileProfile } from '../../../workspace/file-profile.ts'
import type {
  Choices,
  FieldQuestion,
  FileMapping,
  MappedField,
  MappedFields,
  Span,
  TimeStep,
} from '../field-mapping.ts'
import type { FieldName, Grain } from '../fields.ts'
import { textOf, timeOf } from './read-column.ts'
import { timeStepOf } from './time-step.ts'

export interface DraftMapping {
  readonly format: string | null
  readonly vendor: FileMapping['vendor']
  readonly grain: Grain | 'bucket'
  readonly fields: MappedFields
  readonly ok: string | null
  readonly failures: boolean | null
  readonly keep: string | null
  readonly questions: readonly FieldQuestion[]
  readonly notes: readonly string[]
  readonly choices: Choices
  /** Set where times count from a zero of their own. */
  readonly relativeMsEach: number | null
}

/** What known exports and a user's own tables have in common once their columns are read. */
export function finishMapping(profile: FileProfile, draft: DraftMapping): FileMapping {
  const timeColumn = profile.columns.find((column) => column.name === draft.fields.time?.columns[0])
  const timeStep =
    timeColumn === undefined || draft.relativeMsEach !== null ? 'second' : timeStepOf(timeColumn)
  const grain = draft.grain === 'bucket' ? bucketGrain(timeStep) : draft.grain
  const fields: Partial<Record<FieldName, MappedField>> = {}
  for (const mapped of Object.values(draft.fields)) fields[mapped.field] = withUnread(profile, mapped)
  const estimate = estimatedCost(draft)
  if (estimate !== null) fields.cost_usd = estimate
  const notes = [...draft.notes]
  if (draft.relativeMsEach !== null)
    notes.push(
      'Times in this file count from its own start; they are shown as times from 1970-01-01 00:00 UTC.',
    )
  if (profile.layout.rejectedRows > 0)
    notes.push(
      `${profile.layout.rejectedRows} rows of ${profile.fileName} could not be read and are left out.`,
    )
  return {
    fileId: profile.fileId,
    fileName: profile.fileName,
    format: draft.format,
    vendor: draft.vendor,
    grain,
    timeStep,
    rows: profile.rows,
    fields,
    ok: draft.ok,
    failures: draft.failures,
    questions: draft.questions,
    keep: draft.keep,
    span: spanOf(profile, draft, timeStep),
    models: modelsOf(profile, fields),
    notes,
  }
}

/** Counted, so that nobody takes what is left for everything. */
function withUnread(profile: FileProfile, mapped: MappedField): MappedField {
  const [name, ...others] = mapped.columns
  const column = profile.columns.find((candidate) => candidate.name === name)
  if (column === undefined || others.length > 0 || mapped.parsed >= 1) return mapped
  const unread = column.filled - Math.round(mapped.parsed * column.filled)
  const note = `${unread} of ${column.filled} values of "${column.name}" cannot be read as ${mapped.field} and are left out.`
  return { ...mapped, note: mapped.note === undefined ? note : `${mapped.note} ${note}` }
}

function bucketGrain(step: TimeStep): Grain {
  return step === 'second' ? 'unknown' : step
}

/** Cost from model, tokens and list prices: counts as present, labelled estimated. */
function estimatedCost(draft: DraftMapping): MappedField | null {
  const { cost_usd: cost, model, input_tokens: input, output_tokens: output } = draft.fields
  if (cost !== undefined || model === undefined || input === undefined || output === undefined) return null
  if (draft.questions.some((question) => question.field === 'cost_usd')) return null
  return {
    field: 'cost_usd',
    columns: [...model.columns, ...input.columns, ...output.columns],
    confidence: Math.min(model.confidence, input.confidence, output.confidence),
    evidence: 'no cost column: estimated from model, tokens and list prices',
    sql: '',
    parsed: Math.min(model.parsed, input.parsed, output.parsed),
    estimated: true,
  }
}

const dayMs = 86_400_000

function spanOf(profile: FileProfile, draft: DraftMapping, step: TimeStep): Span | null {
  const column = profile.columns.find((candidate) => candidate.name === draft.fields.time?.columns[0])
  if (column === undefined) return null
  if (draft.relativeMsEach !== null) {
    if (column.numeric === undefined) return null
    return spanFrom(
      column.numeric.min * draft.relativeMsEach,
      column.numeric.max * draft.relativeMsEach,
      step,
    )
  }
  // The profile's span is of one reading; where day and month could be swapped it may be the other one's.
  if (column.time === undefined || timeOf(column).kind === 'either') return null
  return spanFrom(Date.parse(column.time.min), Date.parse(column.time.max), step)
}

/** A span from its ends; null where one of them is no time. */
export function spanFrom(fromMs: number, toMs: number, step: TimeStep): Span | null {
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs)) return null
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    // A row of a day bucket lasts until midnight, so two of neighbouring days cover two days.
    days:
      step === 'day'
        ? Math.floor((toMs - fromMs) / dayMs) + 1
        : Math.max(1, Math.ceil((toMs - fromMs) / dayMs)),
  }
}

function modelsOf(profile: FileProfile, fields: MappedFields): readonly string[] | null {
  const column = profile.columns.find((candidate) => candidate.name === fields.model?.columns[0])
  // Only where the field is the column as it stands, and the profile's list of values is complete.
  if (column === undefined || fields.model?.sql !== textOf(column).sql) return null
  if (column.distinct > column.top.length) return null
  if (column.top.reduce((sum, entry) => sum + entry.count, 0) < column.filled) return null
  const names = new Set(column.top.map((entry) => entry.value.trim()))
  return [...names]
}
