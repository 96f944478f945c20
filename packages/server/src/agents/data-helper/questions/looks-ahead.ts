import type { Token } from './words.ts'

const ahead = /^(?:tomorrow|forecast\w*|predict\w*|projection\w*|projected|extrapolat\w*)$/u
const units = new Set('day week weekend month quarter year days weeks months quarters years'.split(' '))
/** "would it cost", "would we pay": a figure of what is not so. "What would make it cheaper" is none. */
const supposed = new Set('cost pay be spend take use need run'.split(' '))
const reach = 3

/**
 * Why a question cannot be answered from what has been: it asks for what is to come, or for what would be. Null where it
 * does neither.
 */
export function looksAhead(tokens: readonly Token[]): string | null {
  for (const [at, { kind, word, text }] of tokens.entries()) {
    if (kind === 'quoted') continue
    const next = tokens[at + 1]
    if (ahead.test(word) || (word === 'will' && next !== undefined && next.word !== 'you'))
      return `“${text}”: I do not look ahead; I compute what the data hold`
    if (word === 'next' && units.has(next?.word ?? ''))
      return `“next ${next?.text}”: I do not look ahead; I compute what the data hold`
    // "what would be the total" asks politely for what is.
    if (word !== 'would' || next?.word === 'like' || next?.word === 'be') continue
    const verb = tokens.slice(at + 1, at + 1 + reach).find((token) => supposed.has(token.word))
    if (verb !== undefined) return `“would … ${verb.text}”: I compute what was, and not what would be`
  }
  return null
}
