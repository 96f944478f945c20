import { changedWords, columnCalled, namesFile } from './join-clause.ts'
import type { TableInfo } from './parse.ts'
import { rowNouns } from './vocabulary.ts'
import { stem, tokenise } from './words.ts'

/** "number of orders": what a file is called stands for its rows, unless a column of it is called so. */
export function callingRows(question: string, base: TableInfo): string {
  return changedWords(question, (word) => {
    const isRow = isNoun(word, base) && columnCalled([word], base) === null
    return isRow ? 'rows' : word
  })
}

/**
 * "cost of enterprise customers": what the looked up file is called adds nothing to a condition on its rows. Null where
 * no word does so, or it may be what is counted: "how many enterprise customers had errors".
 */
export function withoutLookupNouns(question: string, base: TableInfo, lookup: TableInfo): string | null {
  const isLookup = (word: string): boolean => isNoun(word, lookup)
  const nouns = tokenise(question).flatMap(({ word }): readonly ('row' | 'lookup')[] => {
    if (isLookup(word)) return ['lookup']
    return rowNouns.has(stem(word)) || isNoun(word, base) ? ['row'] : []
  })
  if (!nouns.includes('lookup') || (countsWords.test(question) && nouns[0] === 'lookup')) return null
  return changedWords(question, (word) => (isLookup(word) ? null : word))
}

/** In the plural: of cost_by_day.csv neither "by" nor "day" is what its rows are. */
function isNoun(word: string, table: TableInfo): boolean {
  return stem(word) !== word && !rowNouns.has(stem(word)) && namesFile(word, table)
}

/** After these the next noun is what is counted. */
const countsWords = /\b(?:how many|number|count|share|percentage|percent|proportion|fraction)\b/iu
