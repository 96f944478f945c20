import type { Question } from '@holdfast/protocol'

const examplesShown = 4

/** Why a question about some rows is not answered over all of them. */
export function unreadWhy(unread: string): string {
  return `The question is about some rows only, and I cannot tell which: ${unread}. An answer over all rows would ignore that.`
}

/** Asks for other words, or for the whole; what is chosen is asked in place of the question. */
export function wholeQuestion(unread: string, examples: readonly string[]): Question {
  return {
    id: 'whole',
    text: `${unreadWhy(unread)} Say it in other words, or ask for the whole or for one figure:`,
    choices: [...new Set(examples)]
      .slice(0, examplesShown)
      .map((example) => ({ value: example, label: example })),
  }
}
