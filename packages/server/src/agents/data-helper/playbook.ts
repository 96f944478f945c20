import type { Figure, Question, Recommendation } from '@holdfast/protocol'
import type { SqlResult } from '../../workspace/workspace.ts'
import type { ChartPlan } from './charts/chart-plan.ts'
import type { Choices, Span, TimeStep } from './field-mapping.ts'
import type { FieldName, Grain } from './fields.ts'

export type PlaybookId =
  | 'cost_breakdown'
  | 'month_over_month'
  | 'down_shift'
  | 'prompt_caching'
  | 'latency_tail'
  | 'capacity'
  | 'errors_retries'
  | 'lengths_truncation'
  | 'chargeback'
  | 'batch_eligibility'
  | 'anomaly_days'
  | 'any_table'

/**
 * What a playbook knows about the data before it runs any SQL: one canonical table named `usage`, which has a column
 * for every field that is mapped (see canonical-view.ts), and `ok BOOLEAN`: whether the row succeeded, true where the
 * file does not say.
 */
export interface View {
  readonly fields: ReadonlySet<FieldName>
  readonly grain: Grain
  /** The finest step in which times are written. */
  readonly timeStep: TimeStep
  readonly rows: number
  /** Of the time field; null without one. */
  readonly span: Span | null
  /** Fields that are estimated rather than read. */
  readonly estimated: ReadonlySet<FieldName>
  /** False: the files do not say which rows failed, and `ok` is true everywhere. */
  readonly outcomeKnown: boolean
  /** Whether any row failed, where the profile tells; null where only a query can. */
  readonly failures: boolean | null
  /** The table `usage_list_prices` (prices.ts) stands beside `usage`; null without it. */
  readonly prices: PriceSummary | null
  readonly sources: readonly {
    readonly fileName: string
    readonly format: string | null
    readonly rows: number
  }[]
  /** What the mappings of the sources say a reader should know. */
  readonly notes: readonly string[]
  /** What the user has decided in this thread, by question id. */
  readonly choices: Choices
  /** Periods the question names to be compared, in milliseconds since 1970, `to` exclusive; none named: empty. */
  readonly compare: readonly { readonly from: number; readonly to: number }[]
}

export interface PriceSummary {
  /** The day whose prices these are, YYYY-MM-DD. */
  readonly asOf: string
  /** Models no price was found for: their rows have no estimated cost. */
  readonly unmatched: readonly string[]
}

/** Fields one of which is enough, in order of preference: the first is what a request asks for. */
export interface Need {
  readonly anyOf: readonly FieldName[]
  /** Met without any of the fields where this holds: requests are counted where a row is a request. */
  readonly metWhere?: (view: View) => boolean
  readonly why: string
  readonly unlocks: string
}

/** One query of a playbook over `usage`; hand-written and tested, so its results are labelled verified. */
export interface Analysis {
  readonly id: string
  readonly title: string
  /** Runs only where this holds. */
  readonly when?: (view: View) => boolean
  readonly sql: (view: View) => string
  readonly chart?: ChartPlan
}

/** Something smaller that can still be said, and what would give the rest: makes the answer partial. */
export interface Reduction {
  readonly id: string
  readonly when: (view: View) => boolean
  /** What is not said, and why. */
  readonly says: string
  /** The field that would unlock it, for the request; null where only more rows or a longer time would. */
  readonly missing: FieldName | null
}

export interface Findings {
  /** The headline first. Each refers to a cell of one of the results (D3). */
  readonly figures: readonly Figure[]
  /** Markdown paragraphs; a figure is cited as [fig:<id>] and its value, with its unit, is put in place by the report. */
  readonly paragraphs: readonly string[]
  /** Chosen from the data, beside the playbook's own. */
  readonly caveats: readonly string[]
  /** What could be done, in any order: the answer ranks them (recommend.ts). Each names the figure behind it. */
  readonly recommendations?: readonly Recommendation[]
  /** What only the user can decide; its answer gives the same analysis again, with the choice. */
  readonly followUp?: Question
  /** What the rows turned out not to give, which no profile could tell: makes the answer partial. */
  readonly shortfalls?: readonly string[]
}

export interface Playbook {
  readonly id: PlaybookId
  readonly title: string
  /** Wordings people use; triage learns from them, and --help shows the first. */
  readonly asks: readonly string[]
  readonly required: readonly Need[]
  readonly optional: readonly Need[]
  /** Grains that answer. */
  readonly grains: readonly Grain[]
  /** Times must be written at least this finely; `day` where any will do. */
  readonly timeStep: TimeStep
  /** What the data has to have before even a part can be said; the field is asked for again where it does not. */
  readonly least?: {
    readonly holds: (view: View) => boolean
    readonly field: FieldName
    /** What the data has instead, for people. */
    readonly instead: string
  }
  readonly reductions: readonly Reduction[]
  readonly analyses: readonly Analysis[]
  readonly findings: (results: ReadonlyMap<string, SqlResult>, view: View) => Findings
  readonly caveats: readonly string[]
  /** Wants the table `usage_smaller_models` (smaller-models.ts) beside the prices. Default: no. */
  readonly smallerModels?: true
}
