import type { FieldName } from '../fields.ts'
import { joinClause, namesFile } from './join-clause.ts'
import type { KeyFacts, KeyPair } from './join-keys.ts'
import { type JoinedQuestion, readJoin } from './joins.ts'
import type { ParsedQuestion, TableInfo } from './parse.ts'
import type { SimpleReading } from './reading.ts'
import { callNouns, rowNouns } from './vocabulary.ts'
import { stem, tokenise } from './words.ts'

export interface ReadQuestion {
  /** null where no file is at hand. */
  readonly parsed: ParsedQuestion | null
  /** Keys that have to be counted before it is clear whether two files answer it. */
  readonly unmeasured: readonly KeyPair[]
  /** It is a figure over two files, and why it is not given stands in `parsed`: nothing else answers it. */
  readonly refused: boolean
}

/**
 * A question over one file or, where no single one answers it, over two (J1).
 *
 * @param alone reads a question against each file by itself
 */
export function readQuestion(
  question: string,
  tables: readonly TableInfo[],
  facts: readonly KeyFacts[],
  alone: (question: string) => ParsedQuestion | null,
): ReadQuestion {
  const one = (parsed: ParsedQuestion | null): ReadQuestion => ({ parsed, unmeasured: [], refused: false })
  const single = alone(question)
  if (tables.length < 2) return one(single)
  const clause = joinClause(question, tables)
  if (single?.ok === true && measuredElsewhere(single.reading, tables))
    return orWithout(single, readJoin(question, tables, clause, facts), tables)
  if (isRead(single) && !countsOthers(question, single, tables)) return one(single)
  const without = clause === null ? null : alone(clause.rest)
  // "join … : how many rows" asks for rows of the joined files.
  if (isRead(without) && !countsRows(without)) return one(sayingSo(without))
  const joined = readJoin(question, tables, clause, facts)
  switch (joined.kind) {
    case 'none':
      return one(single)
    case 'read':
      return one({ ok: true, reading: joined.reading })
    case 'ask':
      return one({ ok: false, why: joined.question.text, nearest: [], question: joined.question })
    case 'measure':
      return { parsed: null, unmeasured: joined.pairs, refused: false }
    case 'refused': {
      if (isRead(without)) return one(sayingSo(without))
      if (!joined.sure) return one(single)
      const nearest = single?.ok === false ? single.nearest : []
      return {
        parsed: { ok: false, why: joined.why, nearest, question: null },
        unmeasured: [],
        refused: true,
      }
    }
    default:
      throw new Error(`unknown outcome ${JSON.stringify(joined satisfies never)}`)
  }
}

/**
 * A table of customers may have a price, which "cost" may mean: where a log of calls joined with it answers too, the
 * user chooses.
 */
function orWithout(
  single: Extract<ParsedQuestion, { ok: true }>,
  joined: JoinedQuestion,
  tables: readonly TableInfo[],
): ReadQuestion {
  if (joined.kind === 'measure') return { parsed: null, unmeasured: joined.pairs, refused: false }
  const parsed: ParsedQuestion =
    joined.kind === 'read' ? choice(single.reading, joined.reading, tables) : single
  return { parsed, unmeasured: [], refused: false }
}

function choice(single: SimpleReading, joined: SimpleReading, tables: readonly TableInfo[]): ParsedQuestion {
  const id = `measured_in:${joined.fileName}:${single.fileName}`
  const chosen = tables[0]?.choices?.get(id)
  if (chosen === single.fileName) return { ok: true, reading: single }
  if (chosen === joined.fileName) return { ok: true, reading: joined }
  const text = `Both files have what you ask for. Which do you mean?`
  const choices = [
    {
      value: joined.fileName,
      label: `${joined.measure?.label} of ${joined.fileName}, joined with ${single.fileName}`,
    },
    { value: single.fileName, label: `${single.measure?.label} of ${single.fileName} alone` },
  ]
  return { ok: false, why: text, nearest: [], question: { id, text, choices } }
}

/** What is measured is a field of calls, and only another file has calls. */
function measuredElsewhere({ fileId, measure }: SimpleReading, tables: readonly TableInfo[]): boolean {
  const own = tables.find(({ profile }) => profile.fileId === fileId)
  const field = measure?.field ?? null
  if (own === undefined || field === null || isLog(own)) return false
  return tables.some((table) => isLog(table) && table.mapping?.fields[field] !== undefined)
}

/** Understood as a whole, if only up to a choice. */
function isRead(parsed: ParsedQuestion | null): parsed is ParsedQuestion {
  return parsed !== null && (parsed.ok || parsed.question !== null)
}

/** J1, where a join was asked for. */
function sayingSo(parsed: ParsedQuestion): ParsedQuestion {
  if (!parsed.ok) return parsed
  const { reading } = parsed
  const alone = `${reading.fileName} alone answers this, so nothing was joined`
  return { ok: true, reading: { ...reading, assumed: [...reading.assumed, alone] } }
}

const countsRows = (parsed: ParsedQuestion): boolean => parsed.ok && parsed.reading.measure === null

const countsOthers = (question: string, parsed: ParsedQuestion, tables: readonly TableInfo[]): boolean =>
  parsed.ok && rowsOfAnother(question, parsed.reading, tables)

/** What only a log of calls has. */
const callFields: readonly FieldName[] = [
  'model',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'latency_ms',
  'ttft_ms',
  'request_id',
]

/**
 * "number of requests by plan" counts no rows of customers.csv, although that has a plan: a row noun that names another
 * file, or calls of a model where only another file has any, are not its rows.
 */
export function rowsOfAnother(
  question: string,
  { fileId, measure, join }: SimpleReading,
  tables: readonly TableInfo[],
): boolean {
  if (measure !== null || join !== null) return false
  const nouns = tokenise(question)
    .map(({ word }) => word)
    .filter((word) => rowNouns.has(stem(word)))
  const own = tables.find(({ profile }) => profile.fileId === fileId)
  const others = tables.filter((table) => table !== own)
  if (own === undefined) return false
  return nouns.some((noun) => {
    if (namesFile(noun, own)) return false
    if (others.some((table) => namesFile(noun, table))) return true
    return callNouns.has(stem(noun)) && !isLog(own) && others.some(isLog)
  })
}

const isLog = ({ mapping }: TableInfo): boolean =>
  callFields.some((field) => mapping?.fields[field] !== undefined)
