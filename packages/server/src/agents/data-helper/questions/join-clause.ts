import type { FileId } from '@holdfast/protocol'
import { termsOf } from './joined-terms.ts'
import type { TableInfo } from './parse.ts'
import { matchTerms } from './terms.ts'
import { nameWords, stem, type Token, tokenise } from './words.ts'

/** What a question says about joining, and what it asks apart from that. */
export interface JoinClause {
  readonly rest: string
  /** The files it names; empty where it names none. */
  readonly files: readonly FileId[]
  /** The key as it is said: one name, or one of each file; empty where none is said. */
  readonly key: readonly string[]
}

const verbs = /^(?:join|combin|merg|match|link)(?:e|es|ed|ing|s)?$/u

/** Stand between the verb and the key, and name no file. */
const glue = new Set(
  'the both two these those all my our file files table tables data dataset datasets sheet sheets them it each other together with and to into & , of'.split(
    ' ',
  ),
)

/** Begin an aside that the verb ends: "with requests and customers joined". */
const openings = new Set([',', 'with', 'of', 'from', 'in', 'across', 'after', 'when', 'once'])

const keyWords = new Set(['on', 'by', 'via', 'using', 'over', 'through'])

/** Said after the key and no part of it. */
const keyNouns = new Set(['column', 'columns', 'key', 'field'])

const sayTogether = new Set(['file', 'files', 'table', 'tables', 'both', 'them', 'sheets', 'datasets'])

const maxKeyTokens = 4

/** "join requests and customers on tenant: …", "…, joined on tenant", "merge both files: …"; null where nothing is said. */
export function joinClause(question: string, tables: readonly TableInfo[]): JoinClause | null {
  const tokens = tokenise(question)
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word' || !verbs.test(token.word)) continue
    const found = clauseAt(tokens, at, tables)
    if (found !== null) return found
  }
  return null
}

function clauseAt(tokens: readonly Token[], at: number, tables: readonly TableInfo[]): JoinClause | null {
  const start = openingOf(tokens, at, tables)
  let end = at + 1
  while (end < tokens.length && isAside(tokens[end]?.word ?? '', tables)) end += 1
  const key = keyAt(tokens, end, tables)
  const said = [...tokens.slice(start, at), ...tokens.slice(at + 1, end)].map(({ word }) => word)
  const files = tables.filter((table) => said.some((word) => namesFile(word, table)))
  if (key === null && files.length === 0 && !said.some((word) => sayTogether.has(word))) return null
  return {
    rest: restOf(tokens.slice(0, start), tokens.slice(end + (key?.length ?? 0))),
    files: files.map(({ profile }) => profile.fileId),
    key: key?.names ?? [],
  }
}

const isAside = (word: string, tables: readonly TableInfo[]): boolean =>
  !keyWords.has(word) &&
  (glue.has(word) || openings.has(word) || tables.some((table) => namesFile(word, table)))

/** Where "…, with requests and customers joined on tenant" begins to speak of joining: the verb, or before it. */
function openingOf(tokens: readonly Token[], verb: number, tables: readonly TableInfo[]): number {
  let from = verb
  while (from > 0 && isAside(tokens[from - 1]?.word ?? '', tables)) from -= 1
  const opening = tokens.findIndex(({ word }, at) => at >= from && at < verb && openings.has(word))
  return opening === -1 ? verb : opening
}

/** By its whole name, by the table's, or by a word of it: "requests" for requests.csv. */
export function namesFile(word: string, { profile, tableName }: TableInfo): boolean {
  const name = profile.fileName.toLowerCase()
  if (word === name || word === tableName) return true
  const words = nameWords(name.replace(/(?:\.[a-z0-9]{1,8}){1,2}$/u, ''))
  return words.includes(stem(word))
}

function keyAt(
  tokens: readonly Token[],
  at: number,
  tables: readonly TableInfo[],
): { readonly names: readonly string[]; readonly length: number } | null {
  const opening = tokens[at]?.word ?? ''
  if (!keyWords.has(opening)) return null
  const start = at + (tokens[at + 1]?.word === 'the' ? 2 : 1)
  const first = nameAt(tokens, start, tables)
  if (first === null) return null
  // "by" says a group as well: only what is in two files can be a key.
  if (opening === 'by' && first.tables < 2) return null
  let end = start + first.length
  const equal = ['=', '=='].includes(tokens[end]?.word ?? '')
  const second = equal ? nameAt(tokens, end + 1, tables) : null
  if (second !== null) end += 1 + second.length
  if (keyNouns.has(tokens[end]?.word ?? '')) end += 1
  return {
    names: [first.name, ...(second === null ? [] : [second.name])],
    length: end - at,
  }
}

/** Of a name that fits this well no other column is meant. */
const clearName = 0.85

/** The longest run of words that names a column somewhere, or else one word: that it names none is said later. */
function nameAt(
  tokens: readonly Token[],
  at: number,
  tables: readonly TableInfo[],
): { readonly name: string; readonly length: number; readonly tables: number } | null {
  for (let length = maxKeyTokens; length >= 1; length -= 1) {
    const run = tokens.slice(at, at + length)
    if (run.length < length || run.some(({ kind }) => kind === 'comma' || kind === 'operator')) continue
    const words = run.map(({ text }) => text)
    const having = tables.filter((table) => columnCalled(words, table) !== null)
    if (having.length > 0) return { name: words.join(' '), length, tables: having.length }
  }
  const token = tokens[at]
  if (token === undefined || token.kind === 'comma' || token.kind === 'operator') return null
  return { name: token.text, length: 1, tables: 0 }
}

/** The column of a table that these words name; null where none or several do. */
export function columnCalled(words: readonly string[], table: TableInfo): string | null {
  const matches = matchTerms(words, termsOf(table)).filter(
    ({ term, score }) => score >= clearName && term.columns.length === 1,
  )
  const [only, second] = matches
  return only === undefined || second !== undefined ? null : (only.term.columns[0] ?? null)
}

/** What is left of the sentence, as a sentence: it is read like one that never spoke of joining. */
function restOf(before: readonly Token[], after: readonly Token[]): string {
  const joints = new Set([',', 'and', 'then', 'to', '-'])
  const first = after.findIndex(({ word }) => !joints.has(word))
  const last = before.findLastIndex(({ word }) => !joints.has(word))
  return spell([...before.slice(0, last + 1), ...(first === -1 ? [] : after.slice(first))])
}

/** A question with other words in place of some, or none. */
export function changedWords(question: string, change: (word: string) => string | null): string {
  return spell(
    tokenise(question).flatMap((token) => {
      const word = token.kind === 'quoted' ? token.word : change(token.word)
      if (word === null) return []
      return word === token.word ? [token] : [{ ...token, text: word }]
    }),
  )
}

const spell = (tokens: readonly Token[]): string =>
  tokens.map(({ kind, text }) => (kind === 'quoted' ? `"${text}"` : text)).join(' ')
