import type { Question } from '@holdfast/protocol'
import type { Choices } from '../field-mapping.ts'
import { callingRows, withoutLookupNouns } from './file-nouns.ts'
import { columnCalled, type JoinClause } from './join-clause.ts'
import { type KeyFacts, type KeyPair, keyId, keyName, keyPair, sharedColumns } from './join-keys.ts'
import { type JoinedTerms, joinedTerms, usedTerms } from './joined-terms.ts'
import { noChoices, type ParsedQuestion, parseSimpleQuestion, type TableInfo } from './parse.ts'
import { type Filter, type Join, matchText, type SimpleReading } from './reading.ts'
import { rawText } from './reading-sql.ts'
import { speaksOf } from './speaks-of.ts'
import { tokenise } from './words.ts'

/**
 * A question that needs the columns of two files: each row of one (the base, which holds what is measured) looks up one
 * row of the other by a key that both have.
 *
 * J1 What one file can answer is never joined.
 * J2 The key is in the lookup once at most: a row that found two matches would count twice.
 * J3 A row of the base without a match stays, and is counted: LEFT JOIN.
 * J4 What is measured is read from the base: a value of the lookup stands beside many rows, and adding it up would
 *    multiply it. Only different values are counted, which repeating does not change.
 * J5 Of several keys that would do, the user chooses.
 */
export type JoinedQuestion =
  /** Two files would not help, or are not spoken of. */
  | { readonly kind: 'none' }
  /** These have to be counted first. */
  | { readonly kind: 'measure'; readonly pairs: readonly KeyPair[] }
  | { readonly kind: 'read'; readonly reading: SimpleReading }
  | { readonly kind: 'ask'; readonly question: Question }
  /** `sure`: nothing but a join answers it, so that no playbook may answer something else. */
  | { readonly kind: 'refused'; readonly why: string; readonly sure: boolean }

/** A reading over two files, or what has to be asked about it, if this key is a good one. */
interface Option {
  readonly pair: KeyPair
  readonly found: Found
}

type Found =
  | {
      readonly reading: SimpleReading
      readonly join: Omit<Join, 'rows' | 'matchedRows'>
      /** It uses a column that is no field: no playbook reads it. */
      readonly beyondFields: boolean
    }
  | Question

const beyondFields = (found: Found): boolean => 'beyondFields' in found && found.beyondFields

type Counted = Option & { readonly fact: KeyFacts }

interface TablePair {
  readonly base: TableInfo
  readonly lookup: TableInfo
}

/** Beyond this the key has to be named: each pair is a query. */
const maxPairs = 24

/** A key that nobody named and that finds less than this share of the rows may be two things of one name. */
const leastMatch = 0.1

/** Pure. Asked again with the facts of the pairs it wants measured, it comes to a decision. */
export function readJoin(
  text: string,
  tables: readonly TableInfo[],
  clause: JoinClause | null,
  facts: readonly KeyFacts[],
): JoinedQuestion {
  const question = clause?.rest ?? text
  const needed = contributing(question, pairsOf(tables, clause)).flatMap((pair) => {
    const found = readOver(question, pair, null)
    return found === null ? [] : [{ pair, found }]
  })
  const [first] = needed
  if (first === undefined) return notReadable(question, tables, clause)
  const options = needed.flatMap(({ pair: files }) =>
    keysOf(files, clause).flatMap((pair): readonly Option[] => {
      const found = readOver(question, files, pair)
      return found === null ? [] : [{ pair, found }]
    }),
  )
  const sure = clause !== null || [...needed, ...options].some(({ found }) => beyondFields(found))
  const refused = (why: string): JoinedQuestion => ({ kind: 'refused', why, sure })
  if (options.length === 0) return refused(noKey(first.pair, clause))
  if (options.length > maxPairs)
    return refused('many columns could join these files; name one: “joined on …”')
  const counted = options.flatMap((option): readonly Counted[] => {
    const fact = facts.find(({ pair }) => keyId(pair) === keyId(option.pair))
    return fact === undefined ? [] : [{ ...option, fact }]
  })
  if (counted.length < options.length) return { kind: 'measure', pairs: options.map(({ pair }) => pair) }
  const least = clause?.key.length ? 0 : leastMatch
  const good = counted.filter(
    ({ fact }) => fact.repeated === null && fact.matched > 0 && fact.matched >= least * fact.rows,
  )
  if (good.length === 0) return refused(noGoodKey(counted.map(({ fact }) => fact)))
  return decide(good, first.pair.base.choices ?? noChoices)
}

function pairsOf(tables: readonly TableInfo[], clause: JoinClause | null): readonly TablePair[] {
  const named = new Set(clause?.files ?? [])
  return tables.flatMap((base) =>
    tables
      .filter((lookup) => lookup !== base)
      .filter((lookup) => {
        const both = [base, lookup].filter(({ profile }) => named.has(profile.fileId)).length
        return both >= Math.min(2, named.size)
      })
      .map((lookup) => ({ base, lookup })),
  )
}

/** Pairs in which the lookup is spoken of where the base is not. */
function contributing(question: string, pairs: readonly TablePair[]): readonly TablePair[] {
  const tokens = tokenise(question)
  const tables = new Set(pairs.flatMap(({ base, lookup }) => [base, lookup]))
  const places = new Map([...tables].map((table) => [table, speaksOf(tokens, table)]))
  return pairs.filter(({ base, lookup }) =>
    [...(places.get(lookup) ?? [])].some((at) => places.get(base)?.has(at) !== true),
  )
}

/** The question over the joined rows; null where it cannot be read so, or needs no second file, or breaks J4. */
function readOver(question: string, { base, lookup }: TablePair, key: KeyPair | null): Found | null {
  const terms = joinedTerms(base, lookup, key && { base: key.base.column, lookup: key.lookup.column })
  const parsed = parseJoined(question, { base, lookup }, terms)
  if (!parsed.ok) return parsed.question
  const { reading } = parsed
  const used = new Set(usedTerms(reading).map(({ label }) => label))
  const columns = terms.lookup.filter(({ term }) => used.has(term.label))
  if (columns.length === 0) return null
  const isLooked = (label: string | undefined): boolean => columns.some(({ term }) => term.label === label)
  if (isLooked(reading.measure?.label) && reading.aggregate.kind !== 'distinct') return null
  if (outcomesOf(reading).some(({ term }) => isLooked(term.label))) return null
  const own = new Set(terms.base.filter(({ field }) => field === null).map(({ label }) => label))
  const beyond = columns.some(({ isField }) => !isField) || [...used].some((label) => own.has(label))
  return { reading, join: joinOf(lookup, key, terms.unique, columns), beyondFields: beyond }
}

/** With what the files are called as words for their rows. */
function parseJoined(question: string, { base, lookup }: TablePair, terms: JoinedTerms): ParsedQuestion {
  const table = { ...base, terms: [...terms.base, ...terms.lookup.map(({ term }) => term)] }
  const called = callingRows(question, base)
  const parsed = parseSimpleQuestion(called, table)
  const unnamed = parsed.ok || parsed.question !== null ? null : withoutLookupNouns(called, base, lookup)
  if (unnamed === null) return parsed
  const again = parseSimpleQuestion(unnamed, table)
  return again.ok && overAllRows.has(again.reading.aggregate.kind) ? again : parsed
}

/** Over these "of enterprise customers" says no more than "of enterprise"; a mean of customers is none of requests. */
const overAllRows: ReadonlySet<SimpleReading['aggregate']['kind']> = new Set([
  'count',
  'sum',
  'share',
  'rate',
])

/** Of calls that failed or succeeded: what else has a status, a customer or an order, is no call. */
function outcomesOf({ aggregate, filters }: SimpleReading): readonly Filter[] {
  return [...filters, ...(aggregate.kind === 'rate' ? [aggregate.of] : [])].filter(
    ({ kind }) => kind === 'outcome',
  )
}

function joinOf(
  { profile, mapping, tableName }: TableInfo,
  key: KeyPair | null,
  unique: JoinedTerms['unique'],
  columns: JoinedTerms['lookup'],
): Omit<Join, 'rows' | 'matchedRows'> {
  return {
    fileId: profile.fileId,
    fileName: profile.fileName,
    table: tableName,
    keep: mapping?.keep ?? null,
    key: {
      said: key === null ? '' : keyName(key),
      name: unique('join key'),
      baseSql: rawText(key?.base.column ?? ''),
      lookupSql: rawText(key?.lookup.column ?? ''),
    },
    columns: columns.flatMap((term) => term.columns),
    matched: unique(`in ${profile.fileName}`),
  }
}

/** The keys a question may mean: the one it names, or those that tell by themselves whose a row is. */
function keysOf({ base, lookup }: TablePair, clause: JoinClause | null): readonly KeyPair[] {
  const [name, second] = clause?.key ?? []
  if (name === undefined)
    return sharedColumns(base, lookup)
      .filter(({ sure }) => sure)
      .map(({ pair }) => pair)
  if (second !== undefined)
    return [
      [name, second],
      [second, name],
    ].flatMap(([from = '', to = '']) => namedPair(base, from, lookup, to))
  return namedPair(base, name, lookup, name)
}

function namedPair(base: TableInfo, from: string, lookup: TableInfo, to: string): readonly KeyPair[] {
  const own = columnCalled(from.split(' '), base)
  const other = columnCalled(to.split(' '), lookup)
  return own === null || other === null ? [] : [keyPair(base, own, lookup, other)]
}

function decide(good: readonly Counted[], choices: Choices): JoinedQuestion {
  const chosen = narrowed(good, choices)
  if ('text' in chosen) return { kind: 'ask', question: chosen }
  const { found, fact } = chosen
  if ('text' in found) return { kind: 'ask', question: found }
  const join: Join = { ...found.join, rows: fact.rows, matchedRows: fact.matched }
  return { kind: 'read', reading: { ...found.reading, join } }
}

/** J5: whose rows are counted, then where they look up, then by which key. */
function narrowed(options: readonly Counted[], choices: Choices): Counted | Question {
  const steps: readonly ((option: Counted) => Choice)[] = [baseChoice, lookupChoice, keyChoice]
  let left = options
  for (const step of steps) {
    const made = left.map(step)
    const values = new Set(made.map(({ value }) => value))
    const [first] = made
    if (first === undefined || values.size < 2) continue
    const before = choices.get(first.id)
    if (before === undefined || !values.has(before))
      return {
        id: first.id,
        text: first.text,
        choices: [...values].map((value) => ({
          value,
          label: made.find((choice) => choice.value === value)?.label ?? value,
        })),
      }
    left = left.filter((_, index) => made[index]?.value === before)
  }
  const [only] = left
  if (only === undefined) throw new Error('One of the options was chosen')
  return only
}

interface Choice {
  readonly id: string
  readonly text: string
  readonly value: string
  readonly label: string
}

function baseChoice({ pair: { base } }: Counted): Choice {
  return {
    id: 'join_rows',
    text: 'This takes two files together. Rows of which one do you mean?',
    value: base.fileName,
    label: `rows of ${base.fileName}`,
  }
}

function lookupChoice({ pair: { base, lookup } }: Counted): Choice {
  return {
    id: `join_file:${base.fileName}`,
    text: `More than one file can be joined with ${base.fileName} for this. Which do you mean?`,
    value: lookup.fileName,
    label: lookup.fileName,
  }
}

function keyChoice({ pair, fact }: Counted): Choice {
  const { base, lookup } = pair
  return {
    id: `join_key:${base.fileName}:${lookup.fileName}`,
    text: `${base.fileName} and ${lookup.fileName} share several columns that can join them. By which one?`,
    value: keyName(pair),
    label: `${keyName(pair)} (${matchText({ rows: fact.rows, matchedRows: fact.matched })})`,
  }
}

function noGoodKey(facts: readonly KeyFacts[]): string {
  const repeating = facts
    .filter(({ matched, repeated }) => matched > 0 && repeated !== null)
    .toSorted((one, other) => other.matched - one.matched)[0]
  const [most] = facts.toSorted((one, other) => other.matched - one.matched)
  if (repeating === undefined && most !== undefined && most.matched > 0)
    return `the question needs ${most.pair.base.fileName} and ${most.pair.lookup.fileName} together, and by ${keyName(most.pair)} only ${matchText({ rows: most.rows, matchedRows: most.matched })}; if that is the key, add “joined on ${keyName(most.pair)}”`
  if (repeating === undefined) {
    const names = [...new Set(facts.map(({ pair }) => keyName(pair)))].join(' or ')
    const files = [...new Set(facts.flatMap(({ pair }) => [pair.base.fileName, pair.lookup.fileName]))]
    return `the question needs ${files.join(' and ')} together, and no value of ${names} is in both`
  }
  const { pair, repeated, baseMost } = repeating
  const { base, lookup } = pair
  const count = (rows: number): string => rows.toLocaleString('en-US')
  const both = baseMost > 1 ? `, and in up to ${count(baseMost)} rows of ${base.fileName}` : ''
  return `the question needs ${base.fileName} joined with ${lookup.fileName}, and ${lookup.column} “${repeated?.key}” is in ${count(repeated?.rows ?? 0)} rows of ${lookup.fileName}${both}: each row of ${base.fileName} would count once for each of them, which would multiply the figures. One row for each ${lookup.column} in ${lookup.fileName} would do`
}

function noKey({ base, lookup }: TablePair, clause: JoinClause | null): string {
  const [one, other] = [base.profile.fileName, lookup.profile.fileName]
  const needs = `the question needs ${one} and ${other} together`
  const [name] = clause?.key ?? []
  if (name !== undefined) return `${needs}, and “${clause?.key.join(' = ')}” is not a column of both`
  const possible = sharedColumns(base, lookup).map(({ pair }) => keyName(pair))
  if (possible.length > 0)
    return `${needs}. Both have ${possible.join(' and ')}, which may mean something else in each; if it is the same, add “joined on ${possible[0]}”`
  const columns = [base, lookup].map(({ profile }) => profile.columns[0]?.name ?? '…')
  return `${needs}, and no column is in both. Where one has another name in each, add it, e.g. “joined on ${columns.join(' = ')}”`
}

/** A join may be asked for all the same, and what it is for is not understood. */
function notReadable(
  question: string,
  tables: readonly TableInfo[],
  clause: JoinClause | null,
): JoinedQuestion {
  // "both files" may be said of any question; a key or two names leave no other reading.
  if (clause === null || (clause.key.length === 0 && clause.files.length < 2)) return { kind: 'none' }
  const [pair] = pairsOf(tables, clause)
  if (pair === undefined) return { kind: 'none' }
  return { kind: 'refused', why: whyNot(question, pair), sure: true }
}

function whyNot(question: string, pair: TablePair): string {
  if (question.trim() === '') return 'it says what to join, and not what to count, add up or average'
  const parsed = parseJoined(question, pair, joinedTerms(pair.base, pair.lookup, null))
  return parsed.ok
    ? 'what it measures stands in the file that would be looked up, so joining would multiply it'
    : parsed.why
}
