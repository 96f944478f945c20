import type { Question } from '@holdfast/protocol'

const examplesShown = 4

/** Why a question is not answered as one over all rows. */
export interface Unread {
  readonly why: string
  /** It is about some rows, and which cannot be told; or about a figure that is not computed. */
  readonly about: 'rows' | 'figure'
}

export function unreadWhy({ why, about }: Unread): string {
  return about === 'rows'
    ? `The question is about some rows only, and I cannot tell which: ${why}. An answer over all rows would ignore that.`
    : `I cannot answer this as it stands: ${why}.`
}

/** Asks for other words, or for the whole; what is chosen is asked in place of the question. */
export function wholeQuestion(unread: Unread, examples: readonly string[]): Question {
  return {
    id: 'whole',
    text: `${unreadWhy(unread)} Say it in other words, or ask for the whole or for one figure:`,
    choices: [...new Set(examples)]
      .slice(0, examplesShown)
      .map((example) => ({ value: example, label: example })),
  }
}
