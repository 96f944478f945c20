export interface Interval {
  readonly lower: number
  readonly upper: number
}

/**
 * The exact interval of a share of which `count` of `total` were seen (Clopper and Pearson 1934). With none seen the
 * bound is one-sided: after 60 runs without a failure, at most 4.9 % fail (95 %).
 * @param confidence default 0.95
 */
export function clopperPearson(count: number, total: number, confidence = 0.95): Interval {
  const alpha = 1 - confidence
  // What was not seen at all, or always, can lie on one side only.
  const side = count === 0 || count === total ? alpha : alpha / 2
  return {
    lower: count === 0 ? 0 : solve((p) => 1 - binomialBelow(count - 1, total, p) - side),
    upper: count === total ? 1 : solve((p) => side - binomialBelow(count, total, p)),
  }
}

/** The zero of a function that rises from below to above it between 0 and 1. */
function solve(rising: (p: number) => number): number {
  let low = 0
  let high = 1
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (rising(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(X ≤ count), X binomial: summed in logarithms, so that thousands of trials do not underflow. */
function binomialBelow(count: number, total: number, p: number): number {
  if (p <= 0) return 1
  if (p >= 1) return count >= total ? 1 : 0
  let term = total * Math.log1p(-p)
  const ratio = Math.log(p) - Math.log1p(-p)
  let sum = Math.exp(term)
  for (let k = 1; k <= count; k += 1) {
    term += Math.log((total - k + 1) / k) + ratio
    sum += Math.exp(term)
  }
  return Math.min(sum, 1)
}

/** Wilson's interval of one share (1927). @param z default of 95 % */
export function wilson(count: number, total: number, z = 1.959963984540054): Interval {
  if (total === 0) return { lower: 0, upper: 1 }
  const share = count / total
  const middle = (share + z ** 2 / (2 * total)) / (1 + z ** 2 / total)
  const half =
    (z / (1 + z ** 2 / total)) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2))
  return { lower: Math.max(0, middle - half), upper: Math.min(1, middle + half) }
}

/** The interval of the difference of two independent shares, first minus second (Newcombe 1998, method 10). */
export function newcombe(
  first: { readonly count: number; readonly total: number },
  second: { readonly count: number; readonly total: number },
): Interval & { readonly difference: number } {
  const a = wilson(first.count, first.total)
  const b = wilson(second.count, second.total)
  const p = first.total === 0 ? 0 : first.count / first.total
  const q = second.total === 0 ? 0 : second.count / second.total
  const difference = p - q
  return {
    difference,
    lower: difference - Math.sqrt((p - a.lower) ** 2 + (b.upper - q) ** 2),
    upper: difference + Math.sqrt((a.upper - p) ** 2 + (q - b.lower) ** 2),
  }
}
