/** How many of the most frequent values a profile names. */
export const topKept = 10

/** Rows over which a wide column's quantiles and the candidates for its most frequent values are taken. */
const sampleRows = 200_000

/**
 * A FILTER that leaves about `sampleRows` of a large table: sorting all of its values would cost more than everything
 * else that is said of them. By the hash of the row's number, as every eighth row of a periodic table is all one thing.
 */
export function sampleFilter(rows: number): string {
  const step = Math.floor(rows / sampleRows)
  return step < 2 ? '' : ` FILTER (hash("row") % ${step} = 0)`
}

/** What is said of numbers, as aggregates over the column `x`; `setNumeric` reads them in this order. */
export const numericAggregates = (x: string, sample: string): readonly string[] => [
  `min(${x})`,
  `max(${x})`,
  `bool_and(${x} = floor(${x}))`,
  `avg(${x})`,
  // Both by one sort.
  `quantile_disc(${x}, [0.5, 0.95])${sample}`,
  `count(*) FILTER (${x} = 0)`,
  `count(*) FILTER (${x} < 0)`,
]

export const timeText = (expression: string): string => `strftime(${expression}, '%Y-%m-%dT%H:%M:%S.%gZ')`

export const timeAggregates = (x: string): readonly string[] => [timeText(`min(${x})`), timeText(`max(${x})`)]
