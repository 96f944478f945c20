/**
 * A chart over one query's rows: the small subset of Vega-Lite that planner, model and report share.
 * The table always stands beside it.
 */
export interface ChartPlan {
  readonly mark: 'bar' | 'line' | 'area' | 'point' | 'rect'
  readonly x: ChartAxis
  readonly y: ChartAxis
  /** A column that splits the marks by colour; of a `rect` its shade. */
  readonly color?: ChartAxis
}

export interface ChartAxis {
  /** A column of the query. */
  readonly column: string
  readonly type: 'quantitative' | 'nominal' | 'temporal'
  readonly title: string
  /** Default linear. */
  readonly scale?: 'linear' | 'log'
}
