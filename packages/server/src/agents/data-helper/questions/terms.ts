import type { Question } from '@holdfast/protocol'
import { type CastName, casts, quoteName } from '../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FileMapping, MappedField } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import { concepts, fieldUnits, unitOfName, unitWords } from './concepts.ts'
import type { Term, TermKind } from './reading.ts'
import { rawText } from './reading-sql.ts'
import { nameWords, nearlySame, stem } from './words.ts'
import { writtenUnit } from './written-unit.ts'

/** A term with what the parser needs to know of its values. */
export interface KnownTerm extends Term {
  /** The ways it can be called, each a list of stemmed words. */
  readonly names: readonly (readonly string[])[]
  readonly distinct: number
  /** Its most frequent values. */
  readonly values: readonly string[]
  /** `values` are all there are, so that a value not among them is a mistake. */
  readonly complete: boolean
  readonly integers: boolean
  /** The unit of the values as the file has them; null where that is none (the time between two columns). */
  readonly writtenUnit: string | null
  readonly span: { readonly min: string; readonly max: string } | null
  /** Filled values that do not read as `kind`. */
  readonly unread: number
  /** Its text reads in two ways that give different values (31/12 or 12/31), and nobody has chosen yet. */
  readonly doubt: Question | null
}

/** Share of the filled values that must parse before a column counts as numbers or times; the rest is counted. */
const parsedShare = 0.95

/** A mapping below this is not used (verdict rule). */
const mappedConfidence = 0.8

/** Every column of the table, and the fields its mapping derives from several columns. */
export function knownTerms(
  profile: FileProfile,
  mapping: FileMapping | undefined,
  choices: Choices,
): readonly KnownTerm[] {
  const fields = Object.values(mapping?.fields ?? {}).filter(
    (field): field is MappedField =>
      // An estimated cost has no SQL of its own: it needs the price list, which the playbooks have.
      field !== undefined && field.confidence >= mappedConfidence && field.sql !== '',
  )
  const terms = profile.columns.map((column) =>
    columnTerm(
      column,
      choices,
      fields.find((field) => field.columns.length === 1 && field.columns[0] === column.name),
    ),
  )
  const derived = fields.filter((field) => field.columns.length !== 1).map(derivedTerm)
  return [...terms, ...derived]
}

function columnTerm(column: ColumnProfile, choices: Choices, mapped: MappedField | undefined): KnownTerm {
  const read = columnKind(column, choices.get(`reading:${column.name}`))
  const raw = rawText(column.name)
  const names = [nameWords(column.name)]
  const shared = {
    columns: [column.name],
    distinct: column.distinct,
    // A long value is cut in the profile, so it cannot be compared with.
    values: column.top.map((top) => top.value).filter((value) => !value.endsWith('…')),
    complete: column.distinct <= column.top.length && !column.top.some((top) => top.value.endsWith('…')),
    integers: column.numeric?.allIntegers ?? false,
    unread: read.unread,
    doubt: mapped === undefined ? doubtOf(column, read, choices) : null,
  }
  const ownUnit = unitOfName(column.name)
  if (mapped === undefined) {
    const { kind, cast } = read
    const sql = cast === null ? raw : casts[cast].sql(quoteName(column.name))
    const unit = kind === 'number' ? ownUnit : ''
    const own = { label: column.name, kind, sql, textSql: raw, unit, writtenUnit: unit, field: null, names }
    return { ...shared, ...own, span: shared.doubt === null ? spanOf(column, sql) : null }
  }
  if (mapped.field === 'status' && read.kind === 'number' && read.cast !== null) {
    // Mapped, a status is text; as numbers its codes can be compared.
    const sql = casts[read.cast].sql(quoteName(column.name))
    const status = {
      label: column.name,
      kind: 'number',
      sql,
      textSql: raw,
      unit: '',
      writtenUnit: '',
      span: null,
      field: 'status',
    } as const
    return { ...shared, ...status, names: [...names, ...fieldNames('status')] }
  }
  const unit = fieldUnits[mapped.field] ?? ''
  const kind = fieldKind(mapped.field)
  const written = writtenUnit(mapped, unit)
  const text = kind === 'text' || written !== unit ? `CAST(${mapped.sql} AS VARCHAR)` : raw
  return {
    ...shared,
    // A column in seconds that the mapping reads as milliseconds must not be shown under its own name.
    // Nor does anybody say `attributes.gen_ai.response.model`.
    label: (kind === 'number' && unit !== ownUnit) || column.name.includes('.') ? mapped.field : column.name,
    kind,
    sql: kind === 'text' ? text : mapped.sql,
    ...(mapped.rowSql === undefined ? {} : { rowSql: mapped.rowSql }),
    textSql: text,
    unit,
    writtenUnit: written,
    span: spanOf(column, mapped.sql),
    field: mapped.field,
    names: [...names, ...fieldNames(mapped.field)],
  }
}

/** The profile's span is of its first reading; where day and month could be swapped, the other one has another. */
function spanOf(column: ColumnProfile, sql: string): KnownTerm['span'] {
  if (column.time === undefined) return null
  const { min, max } = column.time
  const times = column.parses.filter(({ cast }) => casts[cast].kind === 'time')
  const [first] = times
  const level = times.filter(({ count }) => count === first?.count).length > 1
  const profiled = first !== undefined && sql === casts[first.cast].sql(quoteName(column.name))
  return level && !profiled ? null : { min, max }
}

function derivedTerm(mapped: MappedField): KnownTerm {
  const kind = fieldKind(mapped.field)
  return {
    label: mapped.field,
    columns: mapped.columns,
    kind,
    sql: mapped.sql,
    ...(mapped.rowSql === undefined ? {} : { rowSql: mapped.rowSql }),
    textSql: `CAST(${mapped.sql} AS VARCHAR)`,
    unit: fieldUnits[mapped.field] ?? '',
    field: mapped.field,
    names: fieldNames(mapped.field),
    writtenUnit: writtenUnit(mapped, fieldUnits[mapped.field] ?? ''),
    distinct: Number.POSITIVE_INFINITY,
    values: [],
    complete: false,
    integers: false,
    span: null,
    unread: 0,
    doubt: null,
  }
}

function fieldNames(field: FieldName): readonly (readonly string[])[] {
  return [nameWords(field), ...(concepts[field] ?? []).map((phrase) => phrase.split(' '))]
}

function fieldKind(field: FieldName): TermKind {
  if (field === 'time') return 'time'
  return fieldUnits[field] === undefined ? 'text' : 'number'
}

export interface ColumnKind {
  readonly kind: TermKind
  readonly cast: CastName | null
  readonly unread: number
  /** Casts of the same kind that read as many values, the chosen one first; one where there is no doubt. */
  readonly level: readonly CastName[]
}

/**
 * What a column's values are, and the cast that reads them.
 *
 * @param preferred the cast a user has chosen among level ones
 */
export function columnKind(column: ColumnProfile, preferred?: string): ColumnKind {
  const enough = column.parses.filter(
    (parse) => parse.count >= column.filled * parsedShare && parse.count > 0,
  )
  const first = enough[0]
  // Whole numbers read as epochs too: a number is a time only where its name says so or the profile puts it first.
  const timely = nameWords(column.name).some((word) => timeWords.has(word))
  const time = enough.find((parse) => casts[parse.cast].kind === 'time')
  const epoch = time?.cast.startsWith('epoch') ?? false
  const best =
    time !== undefined && (!epoch || timely || time === first)
      ? time
      : (enough.find((parse) => casts[parse.cast].kind === 'number') ??
        enough.find((parse) => casts[parse.cast].kind === 'boolean'))
  if (best === undefined) return { kind: 'text', cast: null, unread: 0, level: [] }
  const { kind } = casts[best.cast]
  const level = enough.filter((parse) => casts[parse.cast].kind === kind && parse.count === best.count)
  const chosen = level.find((parse) => parse.cast === preferred) ?? best
  if (kind === 'json') return { kind: 'text', cast: null, unread: 0, level: [] }
  return {
    kind,
    cast: chosen.cast,
    unread: column.filled - chosen.count,
    level: level.map((parse) => parse.cast),
  }
}

const castLabels: Readonly<Partial<Record<CastName, string>>> = {
  number: 'a point before decimals: 1234.5',
  number_thousands: 'commas between thousands: 1,234.5',
  number_german: 'a comma before decimals: 1.234,5',
  date_dmy: 'day first: 31/12/2026',
  date_mdy: 'month first: 12/31/2026',
}

function doubtOf(column: ColumnProfile, { level }: ColumnKind, choices: Choices): Question | null {
  const id = `reading:${column.name}`
  if (level.length < 2 || level.some((cast) => cast === choices.get(id))) return null
  return {
    id,
    text: `The values of ${column.name} (${column.samples.slice(0, 3).join(', ')}) can be read in more than one way. Which is right?`,
    choices: level.map((cast) => ({ value: cast, label: castLabels[cast] ?? cast })),
  }
}

const timeWords = new Set([
  'time',
  'timestamp',
  'date',
  'ts',
  'at',
  'created',
  'start',
  'end',
  'day',
  'epoch',
])

export interface TermMatch {
  readonly term: KnownTerm
  readonly score: number
}

/** Below this a phrase does not name a term. */
const leastScore = 0.6

/** Two readings closer than this are level: the user is asked (verdict rule). */
const levelGap = 0.1

/** The terms a phrase names, best first: one, or several that are level. */
export function matchTerms(phrase: readonly string[], terms: readonly KnownTerm[]): readonly TermMatch[] {
  const words = phrase.flatMap((word) => nameWords(word))
  if (words.length === 0) return []
  const matches = terms
    .map((term) => ({ term, score: Math.max(...term.names.map((name) => nameScore(words, name))) }))
    .filter((match) => match.score >= leastScore)
    .sort((one, other) => other.score - one.score)
  const best = matches[0]
  if (best === undefined) return []
  // A name written exactly is not put in doubt by one that merely resembles it.
  const gap = best.score === 1 ? 0 : levelGap
  const level = matches.filter((match) => best.score - match.score <= gap)
  // What a field is read from is not a second reading of it.
  const derivedFrom = new Set(level.flatMap(({ term }) => (term.columns.length > 1 ? term.columns : [])))
  return level.filter(({ term }) => term.columns.length > 1 || !derivedFrom.has(term.columns[0] ?? ''))
}

/** The fields a phrase names by its usual words, whatever the file holds. */
export function matchFields(phrase: readonly string[]): readonly FieldName[] {
  const said = phrase.flatMap((word) => nameWords(word)).join(' ')
  return (Object.keys(concepts) as FieldName[]).filter((field) => concepts[field]?.includes(said) ?? false)
}

function nameScore(words: readonly string[], name: readonly string[]): number {
  if (name.length === 0) return 0
  const said = words.join(' ')
  const bare = withoutUnit(name)
  if (said === name.join(' ')) return 1
  if (said === bare.join(' ')) return 0.97
  if (sameWords(words, name) || sameWords(words, bare)) return 0.95
  const known = Object.values(concepts).filter((phrases) => phrases.includes(said))
  if (known.some((phrases) => phrases.includes(bare.join(' ')))) return 0.88
  const spelt = misspelt(words, bare)
  if (spelt !== null) return 0.85 - 0.05 * spelt
  if (words.every((word) => name.includes(word))) return 0.7 + (0.1 * words.length) / name.length
  if (known.some((phrases) => phrases.some((phrase) => contains(bare, phrase.split(' '))))) return 0.65
  const partly = misspeltPart(words, bare)
  return partly ? 0.62 : 0
}

function withoutUnit(name: readonly string[]): readonly string[] {
  const bare = name.filter((word) => !unitWords.has(word))
  return bare.length === 0 ? name : bare
}

function sameWords(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word) => other.includes(word))
}

/** How many words differ by a slip of the pen, where all others are the same; null where more than that differs. */
function misspelt(words: readonly string[], name: readonly string[]): number | null {
  if (words.length !== name.length) return null
  let slips = 0
  for (const [index, word] of words.entries()) {
    const other = name[index] ?? ''
    if (word === other) continue
    if (!nearlySame(word, other)) return null
    slips += 1
  }
  return slips
}

function misspeltPart(words: readonly string[], name: readonly string[]): boolean {
  return words.every((word) => name.some((other) => nearlySame(stem(word), other)))
}

function contains(name: readonly string[], part: readonly string[]): boolean {
  return part.every((word) => name.includes(word))
}
