import { median } from './quantile.ts'

export interface Location {
  readonly estimate: number
  readonly lower: number
  readonly upper: number
}

/** Averages of all pairs, each with itself as well, in rising order: n (n + 1) / 2 of them (Walsh). */
export function walshAverages(values: readonly number[]): readonly number[] {
  const averages: number[] = []
  for (const [index, value] of values.entries())
    for (const other of values.slice(index)) averages.push((value + other) / 2)
  return averages.sort((a, b) => a - b)
}

/**
 * How many of the 2ⁿ signings of ranks 1…n give each sum of positive ranks: the exact distribution of Wilcoxon's
 * signed-rank statistic. Index: the sum.
 */
export function signedRankCounts(n: number): readonly number[] {
  let counts = [1]
  for (let rank = 1; rank <= n; rank += 1) {
    const next = new Array<number>(counts.length + rank).fill(0)
    for (const [sum, count] of counts.entries()) {
      next[sum] = (next[sum] ?? 0) + count
      next[sum + rank] = (next[sum + rank] ?? 0) + count
    }
    counts = next
  }
  return counts
}

/** P(V ≤ v) without a shift. */
function cumulative(n: number, v: number): number {
  const counts = signedRankCounts(n)
  let sum = 0
  for (let index = 0; index <= Math.min(v, counts.length - 1); index += 1) sum += counts[index] ?? 0
  return sum / 2 ** n
}

/**
 * The Hodges-Lehmann estimate of where paired differences lie: the median of the Walsh averages, and the exact interval
 * of the signed-rank test (as R's wilcox.test(x, conf.int = TRUE, exact = TRUE) has it).
 * @param confidence default 0.95
 */
export function hodgesLehmann(differences: readonly number[], confidence = 0.95): Location {
  const n = differences.length
  const averages = walshAverages(differences)
  if (n === 0)
    return { estimate: Number.NaN, lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY }
  const alpha = 1 - confidence
  // The first sum that is not too unlikely: so many averages are cut off at either end, less one (R: qsignrank).
  let k = 0
  while (cumulative(n, k) <= alpha / 2) k += 1
  // Too few pairs for this confidence: nothing may be cut off, and nothing can be said.
  if (k === 0)
    return { estimate: median(averages), lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY }
  return {
    estimate: median(averages),
    lower: averages[k - 1] ?? Number.NEGATIVE_INFINITY,
    upper: averages[averages.length - k] ?? Number.POSITIVE_INFINITY,
  }
}

/** One-sided, exact: how likely so much lies above `bound` if the differences lay around it. Zeros are left out. */
export function signedRankP(differences: readonly number[], bound: number): number {
  const shifted = differences.map((value) => value - bound).filter((value) => value !== 0)
  const n = shifted.length
  if (n === 0) return 1
  const order = shifted
    .map((value) => ({ size: Math.abs(value), up: value > 0 }))
    .sort((a, b) => a.size - b.size)
  let v = 0
  for (let index = 0; index < order.length; ) {
    let end = index
    while (order[end + 1]?.size === order[index]?.size) end += 1
    // Ties share the mean of their ranks.
    const rank = (index + end) / 2 + 1
    for (; index <= end; index += 1) if (order[index]?.up === true) v += rank
  }
  return 1 - cumulative(n, Math.ceil(v) - 1)
}

/**
 * The shift between two samples that are not paired: the median of all differences, with the interval of the
 * Mann-Whitney test by its normal approximation (as R's wilcox.test(x, y, conf.int = TRUE, exact = FALSE) nearly has).
 */
export function shiftBetween(first: readonly number[], second: readonly number[]): Location {
  const differences = first.flatMap((a) => second.map((b) => a - b)).sort((a, b) => a - b)
  const [m, n] = [first.length, second.length]
  if (m === 0 || n === 0)
    return { estimate: Number.NaN, lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY }
  const cut = Math.floor((m * n) / 2 - 1.959963984540054 * Math.sqrt((m * n * (m + n + 1)) / 12))
  if (cut < 1)
    return { estimate: median(differences), lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY }
  return {
    estimate: median(differences),
    lower: differences[cut - 1] ?? Number.NEGATIVE_INFINITY,
    upper: differences[differences.length - cut] ?? Number.POSITIVE_INFINITY,
  }
}

/** Holm 1979: p-values adjusted so that of all together one is wrong with the level of each. In the given order. */
export function holm(ps: readonly number[]): readonly number[] {
  const order = ps.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = new Array<number>(ps.length)
  let most = 0
  for (const [rank, { p, index }] of order.entries()) {
    most = Math.max(most, Math.min(1, p * (ps.length - rank)))
    adjusted[index] = most
  }
  return adjusted
}
