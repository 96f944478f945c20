import type { Sentence } from '../questions/sentence.ts'

const verbs = new Set(['is', 'are', 'was', 'were', 'does', 'do', 'did', 'has'])
const asking = new Set(['why', 'how', 'what', 'where', 'when', 'much', 'often', 'long'])

/** "how expensive is zeta", "what did zeta cost", "is zeta slow": what is asked about stands behind the verb. */
export function isSubject({ tokens }: Sentence, at: number): boolean {
  const verb = at - 1
  if (!verbs.has(tokens[verb]?.word ?? '')) return false
  return verb === 0 || tokens.slice(Math.max(0, verb - 2), verb).some(({ word }) => asking.has(word))
}
