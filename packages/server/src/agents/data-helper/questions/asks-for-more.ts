import type { PlacedFilter } from './filters.ts'
import { mentionAt, refuse, type Sentence, type Stop } from './sentence.ts'
import { matchTerms } from './terms.ts'
import { fillers, rowNouns } from './vocabulary.ts'
import { stem, type Token } from './words.ts'

const asking = new Set(['who', 'when', 'where', 'why'])

/** Words before which "where" is asked: "tell me where", "show who". */
const requests = new Set('show tell give list see find know get say explain'.split(' '))

/** "when was it", "where did": a question, where a condition goes on with what it is about. */
const inversions = new Set('is are was were do does did has have had can could will would'.split(' '))

/**
 * "who", "when", "where" and "why" ask for a person, a moment, a place or a cause, wherever they stand: a figure would
 * answer something else. Only where one of them begins a condition that was read, it is no question.
 */
export function asksForMore(sentence: Sentence, conditions: readonly PlacedFilter[]): Stop | null {
  for (const [at, token] of sentence.tokens.entries()) {
    if (token.kind !== 'word' || !asking.has(token.word) || sentence.taken.has(at)) continue
    if (namesColumn(sentence, at) || beginsCondition(sentence, at, conditions)) continue
    return refuse(
      `“${token.word}” asks for more than a figure; a simple question names a count, a total, an average, …`,
    )
  }
  return null
}

function beginsCondition(sentence: Sentence, at: number, conditions: readonly PlacedFilter[]): boolean {
  const { tokens } = sentence
  const word = tokens[at]?.word ?? ''
  const before = tokens[at - 1]
  const asked = before?.word === 'me' || before?.word === 'us' ? tokens[at - 2] : before
  if (word === 'why' || asked === undefined || requests.has(asked.word)) return false
  if (inversions.has(tokens[at + 1]?.word ?? '')) return false
  // "users who failed" are told by a condition; of "and who failed" the name is wanted.
  if (word === 'who' && (before === undefined || !isNoun(sentence, before))) return false
  return conditions.some(
    (condition) => condition.at > at && tokens.slice(at + 1, condition.at).every(saysNothing),
  )
}

function saysNothing({ kind, word }: Token): boolean {
  return kind === 'word' && (fillers.has(word) || rowNouns.has(stem(word)))
}

function isNoun({ terms }: Sentence, token: Token): boolean {
  return rowNouns.has(stem(token.word)) || matchTerms([token.text], terms).length > 0
}

function namesColumn(sentence: Sentence, at: number): boolean {
  return mentionAt(sentence, at, () => true)?.matches[0]?.score === 1
}
