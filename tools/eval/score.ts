/** What a case came to, and what it earns. */
export type Judgement = 'right' | 'needless_question' | 'missed' | 'confident_wrong'

/** A right answer or a right question 1, a needless question 0, a confident wrong answer −2; no answer at all 0. */
export const points: Readonly<Record<Judgement, number>> = {
  right: 1,
  needless_question: 0,
  missed: 0,
  confident_wrong: -2,
}

export interface Result {
  readonly area: string
  readonly name: string
  readonly judgement: Judgement
  /** What was expected and what came; empty where it is right. */
  readonly detail: string
}

/** What a turn, or a verdict, says: an answer with figures, a request for fields, or a question. */
export type Said =
  | { readonly kind: 'answer'; readonly figures: Readonly<Record<string, unknown>> }
  | { readonly kind: 'request'; readonly fields: readonly string[] }
  | { readonly kind: 'question'; readonly id: string }
  | { readonly kind: 'nothing'; readonly why: string }

/**
 * Holds what was said against what is right. Asking where an answer was due is needless; asking for the wrong thing is
 * missed; answering where a question was due, or with another figure, is confidently wrong.
 */
export function judge(expected: Said, came: Said): Judgement {
  if (came.kind === 'nothing') return expected.kind === 'nothing' ? 'right' : 'missed'
  if (came.kind === 'answer')
    return expected.kind === 'answer' && sameFigures(expected.figures, came.figures)
      ? 'right'
      : 'confident_wrong'
  switch (expected.kind) {
    case 'answer':
      return 'needless_question'
    case 'request':
      return came.kind === 'request' && sameSet(expected.fields, came.fields) ? 'right' : 'missed'
    case 'question':
      return came.kind === 'question' && came.id === expected.id ? 'right' : 'missed'
    case 'nothing':
      return 'missed'
  }
}

export function result(area: string, name: string, expected: Said, came: Said): Result {
  const judgement = judge(expected, came)
  const detail =
    judgement === 'right' ? '' : `expected ${JSON.stringify(expected)}, came ${JSON.stringify(came)}`
  return { area, name, judgement, detail: detail.slice(0, 400) }
}

/** Every figure that is expected is there; numbers agree to the last digit that is given. */
function sameFigures(
  expected: Readonly<Record<string, unknown>>,
  came: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(expected).every(([name, value]) => {
    const other = came[name]
    if (typeof value !== 'number' || typeof other !== 'number') return value === other
    return Math.abs(value - other) <= 10 ** -decimals(value) * 0.51 + Math.abs(value) * 1e-9
  })
}

function decimals(value: number): number {
  return String(value).split('.')[1]?.length ?? 0
}

const sameSet = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((each) => right.includes(each))

/** Of the most that could be had, 0…1. */
export function share(results: readonly Result[]): number {
  return results.length === 0
    ? 0
    : results.reduce((sum, { judgement }) => sum + points[judgement], 0) / results.length
}
