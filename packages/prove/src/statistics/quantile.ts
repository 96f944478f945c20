/**
 * The value below which a share of the others lies, by linear interpolation between neighbours (type 7 of Hyndman and
 * Fan 1996, what R and NumPy do by default). 0 where there is nothing.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? 0
  const above = sorted[Math.ceil(at)] ?? below
  return below + (above - below) * (at - Math.floor(at))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
