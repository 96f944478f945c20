import { quoteName, quoteText } from '../../../workspace/casts.ts'
import { joinedRows, joinedRowsSql, namingNone } from './joined-rows.ts'
import {
  type Aggregate,
  type Filter,
  type Group,
  quantileName,
  type SimpleReading,
  type TimeWindow,
} from './reading.ts'

/** Names of the columns that readingSql gives: one a group, then the value, and how many rows stand behind it. */
export interface ReadingColumns {
  readonly groups: readonly string[]
  readonly value: string
  /** Rows the value is computed from. */
  readonly rows: string
  /**
   * Rows that fit the question but whose measure, or whose group where totals are compared, is missing or does not
   * read; absent where neither is asked for.
   */
  readonly leftOut: string | null
}

export function readingColumns(reading: SimpleReading): ReadingColumns {
  const taken = new Set<string>()
  const unique = (name: string): string => {
    let free = name
    for (let count = 2; taken.has(free.toLowerCase()); count += 1) free = `${name}_${count}`
    taken.add(free.toLowerCase())
    return free
  }
  const groups = reading.groups.map((group) => unique(groupColumn(group)))
  const value = unique(valueColumn(reading))
  return {
    groups,
    value,
    rows: reading.aggregate.kind === 'count' ? value : unique('rows'),
    leftOut: reading.measure === null && reading.aggregate.kind !== 'of_totals' ? null : unique('left_out'),
  }
}

/** One SELECT over the raw table of text. Every name and literal is quoted; counts are DOUBLE, times are UTC text. */
export function readingSql(reading: SimpleReading): string {
  const names = readingColumns(reading)
  if (reading.aggregate.kind === 'of_totals') return totalsSql(reading, reading.aggregate)
  const measure = reading.measure
  const keys = reading.groups.map((_, index) => `g${index + 1}`)
  const picked = [
    ...reading.groups.map(
      (group, index) => `${namingNone(reading.join, group, groupSql(group))} AS g${index + 1}`,
    ),
    ...(measure === null
      ? []
      : [`${reading.aggregate.kind === 'distinct' ? measure.textSql : measure.sql} AS m`]),
    ...(reading.aggregate.kind === 'rate'
      ? [`coalesce(${filterSql(reading.aggregate.of)}, false) AS hit`]
      : []),
  ]
  const value = valueSql(reading)
  const columns = [
    ...names.groups.map((name, index) => `g${index + 1} AS ${quoteName(name)}`),
    `${value} AS ${quoteName(names.value)}`,
    ...(names.rows === names.value
      ? []
      : [`${measure === null ? 'count(*)' : 'count(m)'}::DOUBLE AS ${quoteName(names.rows)}`]),
    ...(names.leftOut === null ? [] : [`(count(*) - count(m))::DOUBLE AS ${quoteName(names.leftOut)}`]),
  ]
  return [
    ...pickedSql(reading, picked),
    `)`,
    `SELECT ${columns.join(',\n  ')}`,
    `FROM picked`,
    ...(keys.length === 0 ? [] : [`GROUP BY ${keys.join(', ')}`, `ORDER BY ${orderSql(reading, keys)}`]),
    ...(reading.limit === null ? [] : [`LIMIT ${reading.limit}`]),
  ].join('\n')
}

/** WITH the rows that are asked about, up to before the bracket that ends them. */
function pickedSql(reading: SimpleReading, picked: readonly string[]): readonly string[] {
  const where = conditions(reading)
  return [
    ...(reading.join === null ? [] : [`WITH ${joinedRowsSql(reading.table, reading.join)},`]),
    `${reading.join === null ? 'WITH ' : ''}picked AS (`,
    `  SELECT ${picked.length === 0 ? '1 AS one' : picked.join(',\n    ')}`,
    `  FROM ${quoteName(reading.join === null ? reading.table : joinedRows)}`,
    ...(where.length === 0 ? [] : [`  WHERE ${where.join('\n    AND ')}`]),
  ]
}

/** Totals of each value of the group first, then one figure of them. */
function totalsSql(reading: SimpleReading, { take, over }: Aggregate & { kind: 'of_totals' }): string {
  const { measure } = reading
  const names = readingColumns(reading)
  const measured = measure === null ? [] : [`${measure.sql} AS m`]
  const [total, counted] = measure === null ? ['count(*)', 'count(*)'] : ['sum(m)', 'count(m)']
  return [
    ...pickedSql(reading, [`${groupSql(over)} AS g`, ...measured]),
    `), totals AS (`,
    `  SELECT ${total} AS total, ${counted} AS n FROM picked WHERE g IS NOT NULL GROUP BY g`,
    `)`,
    `SELECT ${take === 'mean' ? 'avg' : take}(total)::DOUBLE AS ${quoteName(names.value)},`,
    `  coalesce(sum(n), 0)::DOUBLE AS ${quoteName(names.rows)},`,
    `  ((SELECT count(*) FROM picked) - coalesce(sum(n), 0))::DOUBLE AS ${quoteName(names.leftOut ?? 'left_out')}`,
    `FROM totals`,
  ].join('\n')
}

function conditions(reading: SimpleReading): readonly string[] {
  return [
    ...(reading.keep === null ? [] : [`(${reading.keep})`]),
    ...reading.filters.map(filterSql),
    ...(reading.window === null ? [] : windowSql(reading.window)),
  ]
}

function orderSql(reading: SimpleReading, keys: readonly string[]): string {
  const value = `${keys.length + 1}`
  const byKeys = keys.map((key) => `${key} NULLS LAST`)
  switch (reading.order) {
    case 'group':
      return byKeys.join(', ')
    case 'largest':
      return [`${value} DESC NULLS LAST`, ...byKeys].join(', ')
    case 'smallest':
      return [`${value} ASC NULLS LAST`, ...byKeys].join(', ')
    default:
      throw new Error(`unknown order ${reading.order satisfies never}`)
  }
}

function valueSql(reading: SimpleReading): string {
  const { aggregate, measure } = reading
  switch (aggregate.kind) {
    case 'count':
      return 'count(*)::DOUBLE'
    case 'sum':
      return 'sum(m)'
    case 'mean':
      return 'avg(m)'
    case 'min':
      return 'min(m)'
    case 'max':
      return 'max(m)'
    case 'median':
      return 'median(m)'
    case 'quantile':
      return `quantile_cont(m, ${aggregate.at})`
    case 'distinct':
      return 'count(DISTINCT m)::DOUBLE'
    case 'share': {
      const part = measure === null ? 'count(*)' : 'sum(m)'
      return `${part}::DOUBLE / nullif(sum(${part}) OVER (), 0)`
    }
    case 'of_totals':
      throw new Error('totals are taken in two steps')
    case 'rate':
      return measure === null
        ? '(count(*) FILTER (WHERE hit))::DOUBLE / nullif(count(*), 0)'
        : 'coalesce(sum(m) FILTER (WHERE hit), 0) / nullif(sum(m), 0)'
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(aggregate satisfies never)}`)
  }
}

function valueColumn(reading: SimpleReading): string {
  const name = reading.measure?.label ?? 'rows'
  const { aggregate } = reading
  switch (aggregate.kind) {
    case 'count':
      return 'rows'
    case 'sum':
      return /^total(?:\b|_)/iu.test(name) ? name : `total_${name}`
    case 'distinct':
      return `distinct_${name}`
    case 'quantile':
      return `${quantileName(aggregate.at)}_${name}`
    case 'share':
    case 'rate':
      return 'share'
    case 'of_totals':
      return reading.measure === null ? `${aggregate.take}_rows` : `${aggregate.take}_total_${name}`
    case 'mean':
    case 'min':
    case 'max':
    case 'median':
      return `${aggregate.kind}_${name}`
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(aggregate satisfies never)}`)
  }
}

function groupColumn(group: Group): string {
  switch (group.kind) {
    case 'term':
      return group.term.label
    case 'time':
      return group.grain === 'week' ? 'week_from' : group.grain
    case 'cycle':
      return group.cycle
    default:
      throw new Error(`unknown group ${JSON.stringify(group satisfies never)}`)
  }
}

// Text that sorts as time does and that both people and charts can read.
const grainFormats = {
  minute: '%Y-%m-%dT%H:%M:00Z',
  hour: '%Y-%m-%dT%H:00:00Z',
  day: '%Y-%m-%d',
  week: '%Y-%m-%d',
  month: '%Y-%m',
  quarter: '%Y-%m',
  year: '%Y',
} as const

function groupSql(group: Group): string {
  switch (group.kind) {
    case 'term':
      return group.term.textSql
    case 'time':
      return `strftime(date_trunc('${group.grain}', ${group.term.sql}), '${grainFormats[group.grain]}')`
    case 'cycle':
      return group.cycle === 'weekday'
        ? `strftime(${group.term.sql}, '%u %A')`
        : `strftime(${group.term.sql}, '%H:00')`
    default:
      throw new Error(`unknown group ${JSON.stringify(group satisfies never)}`)
  }
}

/** A condition over the raw table; NULL where a value is missing. */
export function filterSql(filter: Filter): string {
  const { term } = filter
  const sql = term.rowSql ?? term.sql
  switch (filter.kind) {
    case 'in': {
      const wanted = filter.values.map((value) => equalSql(filter, value)).join(' OR ')
      // A missing value is not the one named: "status is not 200" keeps rows without a status.
      return filter.negated ? `NOT coalesce((${wanted}), false)` : `(${wanted})`
    }
    case 'compare':
      return `${sql} ${filter.operator} ${filter.value}`
    case 'contains':
      return `contains(lower(${term.textSql}), lower(${quoteText(filter.text)}))`
    case 'missing':
      return `${term.textSql} IS ${filter.negated ? 'NOT ' : ''}NULL`
    case 'outcome': {
      const { by } = filter
      if (by.kind === 'http') return `${sql} ${filter.outcome === 'failed' ? '>=' : '<'} 400`
      if (by.kind === 'condition')
        return `${filter.outcome === 'failed' ? 'NOT ' : ''}coalesce((${by.succeeded}), false)`
      return `lower(${term.textSql}) IN (${by[filter.outcome].map(quoteText).join(', ')})`
    }
    default:
      throw new Error(`unknown filter ${JSON.stringify(filter satisfies never)}`)
  }
}

function equalSql(filter: Filter & { kind: 'in' }, value: string): string {
  const { term } = filter
  const sql = term.rowSql ?? term.sql
  const number = Number(value)
  if (term.kind === 'boolean' && /^(?:true|false)$/iu.test(value)) return `${sql} = ${value.toLowerCase()}`
  if (term.kind === 'number' && value.trim() !== '' && Number.isFinite(number)) return `${sql} = ${number}`
  const texts = new Set([
    term.textSql,
    ...(term.columns.length === 1 ? [rawText(term.columns[0] ?? '')] : []),
  ])
  return [...texts].map((text) => `lower(${text}) = lower(${quoteText(value)})`).join(' OR ')
}

/** A raw column as trimmed text, blank as NULL. */
export function rawText(column: string): string {
  return `nullif(trim(${quoteName(column)}), '')`
}

export function windowSql(window: TimeWindow): readonly string[] {
  const at = (iso: string): string => `TIMESTAMP ${quoteText(iso.replace('T', ' ').replace('Z', ''))}`
  return [
    ...(window.from === null ? [] : [`${window.term.sql} >= ${at(window.from)}`]),
    ...(window.to === null ? [] : [`${window.term.sql} < ${at(window.to)}`]),
  ]
}
