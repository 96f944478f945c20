import { quoteName } from '../../workspace/casts.ts'
import { type Choices, type FileMapping, isMapped, type Span } from './field-mapping.ts'
import { type FieldName, fieldNames, fieldType } from './fields.ts'
import type { Playbook, View } from './playbook.ts'
import { listCostSql, type PriceList, priceJoin, priceTableSql } from './prices.ts'

/** A mapped file and the raw table's name in the SQL job, already quoted where it needs it. */
export interface CanonicalSource {
  readonly mapping: FileMapping
  readonly table: string
}

/** Fields a playbook may use: only these are cast. */
export function fieldsOf(playbook: Playbook): ReadonlySet<FieldName> {
  return new Set([...playbook.required, ...playbook.optional].flatMap((need) => need.anyOf))
}

/**
 * The statements that make `usage` from the raw tables, and what it holds. A table and not a view, so that every cast
 * happens once however many queries follow.
 *
 * @param fields the fields that will be asked for; the rest is not cast
 * @param prices list prices; needed where the cost is estimated, otherwise for comparison
 * @param choices what the user has decided; for the playbook's findings
 */
export function canonicalView(
  sources: readonly CanonicalSource[],
  fields: ReadonlySet<FieldName>,
  prices: PriceList | null,
  choices: Choices = new Map(),
): { readonly prepare: readonly string[]; readonly view: View } {
  const mappings = sources.map(({ mapping }) => mapping)
  const view = {
    ...describeView(mappings, fields, choices),
    prices: prices === null ? null : summary(prices),
  }
  if (view.estimated.has('cost_usd') && prices === null)
    throw new Error('The cost is to be estimated, and no price list was given')
  const rows = sources.map((source) => sourceSql(source, view)).join('\nUNION ALL BY NAME\n')
  const usage = `CREATE TEMP TABLE usage AS ${rows}`
  return { prepare: prices === null ? [usage] : [priceTableSql(prices), usage], view }
}

function summary(prices: PriceList) {
  return { asOf: prices.asOf, unmatched: prices.unmatched }
}

function sourceSql({ mapping, table }: CanonicalSource, view: View): string {
  const estimates = mapping.fields.cost_usd?.estimated === true && view.estimated.has('cost_usd')
  const read = fieldNames.filter((field) => view.fields.has(field) && !(estimates && field === 'cost_usd'))
  const columns = read.map((field) => `${mapping.fields[field]?.sql ?? nullOf(field)} AS ${quoteName(field)}`)
  const keep = mapping.keep === null ? '' : ` WHERE ${mapping.keep}`
  const rows = `SELECT ${[...columns, `${mapping.ok ?? 'true'} AS ok`].join(', ')} FROM ${table}${keep}`
  if (!estimates) return rows
  const join = priceJoin(mapping.grain === 'request' ? 'request' : 'sums')
  return `SELECT u.*, ${listCostSql(view.fields)} AS cost_usd FROM (${rows}) AS u ${join}`
}

function nullOf(field: FieldName): string {
  return `NULL::${fieldType(field)}`
}

/** What `usage` would hold, from the mappings alone: the verdict is made on it before any SQL runs. */
export function describeView(
  mappings: readonly FileMapping[],
  fields: ReadonlySet<FieldName>,
  choices: Choices = new Map(),
): View {
  const estimated = new Set<FieldName>(
    fields.has('cost_usd') && mappings.some(({ fields: mapped }) => mapped.cost_usd?.estimated === true)
      ? ['cost_usd']
      : [],
  )
  const wanted = new Set(fields)
  // What the cost is made of has to be there to make it.
  if (fields.has('cost_usd'))
    for (const field of [
      'model',
      'input_tokens',
      'cached_input_tokens',
      'cache_write_tokens',
      'output_tokens',
    ] as const)
      wanted.add(field)
  const present = fieldNames.filter(
    (field) =>
      wanted.has(field) && mappings.length > 0 && mappings.every((mapping) => isMapped(mapping, field)),
  )
  const [first] = mappings
  return {
    fields: new Set(present),
    grain: first?.grain ?? 'unknown',
    timeStep: first?.timeStep ?? 'second',
    rows: mappings.reduce((sum, mapping) => sum + mapping.rows, 0),
    span: present.includes('time') ? spanOf(mappings) : null,
    estimated: new Set([...estimated].filter((field) => present.includes(field))),
    outcomeKnown: mappings.length > 0 && mappings.every((mapping) => mapping.ok !== null),
    failures: failuresOf(mappings),
    prices: null,
    sources: mappings.map(({ fileName, format, rows }) => ({ fileName, format, rows })),
    notes: [...new Set(mappings.flatMap((mapping) => [...mapping.notes, ...fieldNotes(mapping, present)]))],
    choices,
    compare: [],
  }
}

/** One file with a failure is enough; none in any is known only where every file tells. */
function failuresOf(mappings: readonly FileMapping[]): boolean | null {
  if (mappings.some(({ failures }) => failures === true)) return true
  return mappings.length > 0 && mappings.every(({ failures }) => failures === false) ? false : null
}

function fieldNotes(mapping: FileMapping, fields: readonly FieldName[]): readonly string[] {
  return fields.flatMap((field) => {
    const note = mapping.fields[field]?.note
    return note === undefined ? [] : [note]
  })
}

const dayMs = 86_400_000

function spanOf(mappings: readonly FileMapping[]): Span | null {
  const spans = mappings.map((mapping) => mapping.span).filter((span) => span !== null)
  const [first] = spans
  if (first === undefined) return null
  if (spans.length === 1) return first
  const from = spans.map((span) => span.from).toSorted()[0] ?? first.from
  const to =
    spans
      .map((span) => span.to)
      .toSorted()
      .at(-1) ?? first.to
  const days = Math.ceil((Date.parse(to) - Date.parse(from)) / dayMs)
  return { from, to, days: Math.max(days, ...spans.map((span) => span.days)) }
}
