import { termsOf } from './joined-terms.ts'
import type { TableInfo } from './parse.ts'
import { matchTerms } from './terms.ts'
import type { Token } from './words.ts'

/**
 * The places of the words that name a column or a value of a table. Far cheaper than reading the sentence: of many
 * files in a thread few pairs are worth that.
 */
export function speaksOf(tokens: readonly Token[], table: TableInfo): ReadonlySet<number> {
  const terms = termsOf(table)
  const values = new Set(
    terms.flatMap((term) =>
      term.values.flatMap((value) => [value.toLowerCase(), ...value.toLowerCase().split(/[\s_./-]+/u)]),
    ),
  )
  const places = tokens.flatMap(({ kind, text, word }, at) => {
    if (kind === 'comma' || kind === 'operator') return []
    return values.has(word) || matchTerms([text], terms).length > 0 ? [at] : []
  })
  return new Set(places)
}
