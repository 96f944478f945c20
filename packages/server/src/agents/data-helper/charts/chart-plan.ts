import { z } from 'zod'

export interface ChartAxis {
  /** A column of the query. */
  readonly column: string
  readonly type: 'quantitative' | 'nominal' | 'temporal'
  readonly title: string
  /** Default linear. */
  readonly scale?: 'linear' | 'log' | undefined
}

/**
 * A chart over one query's rows: the small subset of Vega-Lite that planner, model and report share.
 * The table always stands beside it.
 */
export interface ChartPlan {
  readonly mark: 'bar' | 'line' | 'area' | 'point' | 'rect'
  readonly x: ChartAxis
  readonly y: ChartAxis
  /** A column that splits the marks by colour; of a `rect` its shade. */
  readonly color?: ChartAxis | undefined
  /** Of a `bar`: the column it reaches to from `y`, for the steps of a waterfall. */
  readonly y2?: string | undefined
}

const Axis = z.strictObject({
  column: z.string().min(1),
  type: z.enum(['quantitative', 'nominal', 'temporal']),
  title: z.string(),
  scale: z.enum(['linear', 'log']).optional(),
})

const Plan = z.strictObject({
  mark: z.enum(['bar', 'line', 'area', 'point', 'rect']),
  x: Axis,
  y: Axis,
  color: Axis.optional(),
  y2: z.string().min(1).optional(),
})

/**
 * A plan that comes from a stored tool result or from a model. Strict: a key of full Vega-Lite (`href`, `url`,
 * `transform`) is refused, not dropped.
 *
 * @throws {z.ZodError} says which part is not of the subset
 */
export function parseChartPlan(raw: unknown): ChartPlan {
  return Plan.parse(raw)
}
