import type { FileProfile } from '../../../workspace/file-profile.ts'
import { type Choices, type FieldQuestion, mappingLimits } from '../field-mapping.ts'
import { type FieldName, fieldNames } from '../fields.ts'
import { type Candidate, candidates, sameContent } from './candidates.ts'

/** Two candidates closer than this are level (verdict rule). */
export const levelWithin = 0.1

/** The answer to a `column:` question that says none of the columns is meant. */
export const noColumn = 'none'

export type NamedField = Exclude<FieldName, 'token_kind'>

export type ColumnChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'chosen'; readonly candidate: Candidate; readonly others: readonly Candidate[] }
  | { readonly kind: 'ask'; readonly question: FieldQuestion }

/**
 * Fields a wrong column would falsify. Of the others (who, what for) the best column is taken and the next one named
 * in a note: a table that says which column it groups by misleads nobody.
 */
const asked: ReadonlySet<FieldName> = new Set([
  'time',
  'model',
  'cost_usd',
  'latency_ms',
  'input_tokens',
  'output_tokens',
])

const nouns: Readonly<Partial<Record<FieldName, string>>> = {
  time: 'when the request started',
  model: 'the model that answered',
  cost_usd: 'what the request cost',
  latency_ms: 'how long the whole request took',
  input_tokens: 'the input tokens',
  output_tokens: 'the output tokens',
}

/** Which column each field is read from. A column serves one field: the one it fits best. */
export function chooseColumns(profile: FileProfile, choices: Choices): ReadonlyMap<NamedField, ColumnChoice> {
  const named = fieldNames.filter((field): field is NamedField => field !== 'token_kind')
  const all = new Map(named.map((field) => [field, candidates(profile, field)]))
  const taken = new Map<string, { field: NamedField; confidence: number }>()
  for (const [field, found] of all)
    for (const { column, confidence } of found) {
      const picked = choices.get(`column:${field}`) === column.name
      const standing = taken.get(column.name)
      const weight = picked ? Number.POSITIVE_INFINITY : confidence
      if (standing === undefined || weight > standing.confidence)
        taken.set(column.name, { field, confidence: weight })
    }
  return new Map(
    named.map((field) => {
      const own = (all.get(field) ?? []).filter(({ column }) => taken.get(column.name)?.field === field)
      return [field, choose(field, own, choices)]
    }),
  )
}

function choose(field: NamedField, found: readonly Candidate[], choices: Choices): ColumnChoice {
  const choice = choices.get(`column:${field}`)
  if (choice === noColumn) return { kind: 'none' }
  const picked = found.find(({ column }) => column.name === choice)
  if (picked !== undefined)
    return {
      kind: 'chosen',
      candidate: { ...picked, confidence: 1, evidence: `${picked.evidence}; chosen by the user` },
      others: [],
    }
  const [best] = found
  if (best === undefined) return { kind: 'none' }
  const different = found.filter(({ column }) => column === best.column || !sameContent(column, best.column))
  if (!asked.has(field)) {
    if (best.confidence < mappingLimits.confidence) return { kind: 'none' }
    return { kind: 'chosen', candidate: best, others: different.slice(1) }
  }
  const level = different.filter(({ confidence }) => best.confidence - confidence < levelWithin)
  if (level.length > 1) return { kind: 'ask', question: columnQuestion(field, level, false) }
  if (best.confidence < mappingLimits.confidence)
    return { kind: 'ask', question: columnQuestion(field, [best], true) }
  return { kind: 'chosen', candidate: best, others: [] }
}

function columnQuestion(field: NamedField, level: readonly Candidate[], orNone: boolean): FieldQuestion {
  const noun = nouns[field] ?? field
  const choices = level.map(({ column }) => ({
    value: column.name,
    label: `${column.name} (${column.samples.slice(0, 2).join(', ')}, …)`,
  }))
  return {
    id: `column:${field}`,
    field,
    text: orNone
      ? `Is "${level[0]?.column.name ?? ''}" ${noun}? Its name alone does not say.`
      : `Which column is ${noun}: ${level.map(({ column }) => `"${column.name}"`).join(' or ')}?`,
    choices: orNone ? [...choices, { value: noColumn, label: 'no, none of the columns' }] : choices,
  }
}
