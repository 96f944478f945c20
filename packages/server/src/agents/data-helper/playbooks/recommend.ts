import type { Recommendation } from '@holdfast/protocol'

const levels = ['low', 'medium', 'high'] as const

/** Shares of the whole from which an effect is called medium and high. */
export const impactShares = { medium: 0.02, high: 0.1 } as const

/** How large an effect is against the whole it is a part of, such as a saving against the total cost. */
export function impactOf(part: number | null, whole: number | null): Recommendation['impact'] {
  const share = part === null || whole === null || whole <= 0 ? 0 : part / whole
  if (share >= impactShares.high) return 'high'
  return share >= impactShares.medium ? 'medium' : 'low'
}

/** Largest impact first; of equal ones the easier, then the safer; otherwise as given. */
export function ranked(recommendations: readonly Recommendation[]): readonly Recommendation[] {
  const place = (level: Recommendation['impact']) => levels.indexOf(level)
  return recommendations.toSorted(
    (left, right) =>
      place(right.impact) - place(left.impact) ||
      place(left.effort) - place(right.effort) ||
      place(left.risk) - place(right.risk),
  )
}

/** The ranked list as it stands in the answer; none where nothing is recommended. */
export function recommendationText(recommendations: readonly Recommendation[]): readonly string[] {
  if (recommendations.length === 0) return []
  const lines = recommendations.map(
    ({ action, impact, effort, risk }, index) =>
      `${index + 1}. ${action} (impact ${impact}, effort ${effort}, risk ${risk})`,
  )
  return [`What could be done, largest effect first:\n\n${lines.join('\n')}`]
}
