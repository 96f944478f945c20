import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import { finishMapping } from '../columns/finish-mapping.ts'
import { countsCacheApart, totalInput } from '../columns/input-accounting.ts'
import { isMoneyUnit, moneyQuestion, usdEach } from '../columns/money-unit.ts'
import { anyFailure } from '../columns/outcome.ts'
import type { Choices, FieldQuestion, FileMapping, MappedField, MappedFields } from '../field-mapping.ts'
import { type FieldName, fieldNames } from '../fields.ts'
import { findColumn } from './find-column.ts'
import type { Format } from './format.ts'
import { conditionSql, meets, readField, scaled } from './read-field.ts'

/** Reads a file whose export format is known: the format says what its columns mean. */
export function mapFormat(profile: FileProfile, format: Format, choices: Choices): FileMapping {
  const fields: Partial<Record<FieldName, MappedField>> = {}
  for (const field of fieldNames) {
    const reading = format.fields[field]
    const read = reading === undefined ? null : readField(profile, reading)
    if (read === null) continue
    fields[field] = {
      field,
      ...read,
      confidence: 1,
      evidence: `${format.title}: ${read.columns.join(', ')}`,
      estimated: false,
      ...noteOf(format.fieldNotes[field]),
    }
  }
  if (format.inputTokens !== 'inclusive' || (fields.cached_input_tokens && fields.input_tokens)) {
    const column = (field: FieldName): ColumnProfile | null => {
      const names = fields[field]?.columns
      return names?.length === 1 ? findColumn(profile, names) : null
    }
    const apart = countsCacheApart({
      input: column('input_tokens'),
      cached: column('cached_input_tokens'),
      output: column('output_tokens'),
      total: column('total_tokens'),
    })
    // A known format needs no proof, but a proof that it was written otherwise wins.
    const exclusive = apart.known ? apart.exclusive : format.inputTokens !== 'inclusive'
    if (exclusive) {
      const input = totalInput(fields)
      if (input !== null) {
        fields.input_tokens = { ...input, ...noteOf(apart.known ? apart.evidence : input.note) }
      }
    }
  }

  const questions: FieldQuestion[] = []
  if (format.costBySize === true) {
    const asked = costQuestion(profile, fields, choices)
    if (asked.question !== null) questions.push(asked.question)
    if (asked.cost === null) delete fields.cost_usd
    else fields.cost_usd = asked.cost
  }

  const relative = format.fields.time?.as === 'relative_time'
  const ok = format.ok === null ? null : conditionSql(profile, format.ok)
  return finishMapping(profile, {
    format: format.id,
    vendor: format.vendor,
    grain: format.grain,
    fields,
    ok: ok ?? (format.okWithoutColumn === 'all' ? 'true' : null),
    failures: failuresOf(profile, format),
    keep: format.keep === null ? null : conditionSql(profile, format.keep),
    questions,
    notes: format.notes,
    choices,
    relativeMsEach: relative && format.fields.time?.as === 'relative_time' ? format.fields.time.msEach : null,
  })
}

/** The cost in the unit that was chosen, or the question which unit it is in. */
function costQuestion(
  profile: FileProfile,
  fields: MappedFields,
  choices: Choices,
): { readonly cost: MappedField | null; readonly question: FieldQuestion | null } {
  const { cost_usd: cost, input_tokens: input, output_tokens: output } = fields
  const columnOf = (field: MappedField | undefined) =>
    field === undefined ? null : findColumn(profile, field.columns.slice(0, 1))
  const column = columnOf(cost)
  if (cost === undefined || column === null) return { cost: cost ?? null, question: null }
  const choice = choices.get(`unit:${column.name}`)
  if (isMoneyUnit(choice))
    return { cost: { ...cost, sql: scaled(cost.sql, usdEach[choice]) }, question: null }
  const question = moneyQuestion(column, 'usd', [columnOf(input), columnOf(output)])
  return { cost: question === null ? cost : null, question }
}

function failuresOf(profile: FileProfile, { ok }: Format): boolean | null {
  const column = ok === null ? null : findColumn(profile, ok.column)
  return ok === null || column === null ? null : anyFailure(column, profile.rows, (value) => meets(ok, value))
}

function noteOf(note: string | undefined): { readonly note?: string } {
  return note === undefined ? {} : { note }
}
