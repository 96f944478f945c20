import { free, type Sentence, saysAt } from '../questions/sentence.ts'

/** Turn what follows in the same clause into its opposite, a few words later still: "do not come from acme". */
const negations = new Set(['not', 'non', 'never', 'neither', 'nor', 'instead', 'rather'])
const reach = 5

/** Turn only the very next word: "but acme", "no acme". */
const adjacent = new Set(['but', 'no'])

const passed = new Set(['the', 'our', 'any', 'for', 'from', 'of', 'by', 'in', 'on', 'at', 'with'])

/** "acme excluded", "acme left out", "acme not included". */
const afterwards = ['excluded', 'excepted', 'aside', 'omitted', 'removed', 'ignored', 'left out']
const notAfterwards = ['not included', 'not counted']
const verbs = new Set(['is', 'are', 'being', 'was', 'were'])

/**
 * The words by which what is named here may be meant to be left out, where no rule reads them as leaving out. A value
 * among them is no limit to that value.
 */
export function negationAround(sentence: Sentence, at: number, length: number): string | null {
  const { tokens } = sentence
  const said = (from: number, to: number) =>
    tokens
      .slice(from, to)
      .map(({ text }) => text)
      .join(' ')
  for (let back = at - 1; back >= at - reach && back >= 0; back -= 1) {
    if (tokens[back]?.kind === 'comma') break
    const word = free(sentence, back)?.word ?? ''
    if (negations.has(word)) return said(back, at + length)
  }
  let before = at - 1
  while (passed.has(free(sentence, before)?.word ?? '')) before -= 1
  const word = free(sentence, before)?.word ?? ''
  if (adjacent.has(word)) return said(before, at + length)
  if (word === 'than' && tokens.slice(0, before).some((token) => ['other', 'else'].includes(token.word)))
    return said(before, at + length)
  const after = at + length + (verbs.has(free(sentence, at + length)?.word ?? '') ? 1 : 0)
  const phrase = [...afterwards, ...notAfterwards].find((each) => saysAt(sentence, after, each))
  return phrase === undefined ? null : `${said(at, after)} ${phrase}`
}

/** "not chat": of a word that by itself would limit nothing. */
export function directNegation({ tokens }: Sentence, at: number): string | null {
  const before = tokens[at - 1]
  return before !== undefined && ['not', 'non'].includes(before.word)
    ? `${before.text} ${tokens[at]?.text}`
    : null
}

/** What is said where such words are met. */
export function unclearNegation(said: string): string {
  return `I cannot tell what “${said}” leaves out; write it as “excluding …”`
}
