import type { SqlJob, SqlResult } from '../../workspace/workspace.ts'
import type { ChartPlan } from './charts/chart-plan.ts'
import type { Findings } from './playbook.ts'

/** What an analysis came to, before anything of it is stored. */
export interface Computed {
  readonly title: string
  readonly findings: Findings
  readonly queries: readonly {
    readonly result: SqlResult
    readonly title: string
    readonly chart: ChartPlan | null
  }[]
  /** Beside the findings' own. */
  readonly caveats: readonly string[]
}

/** Runs SQL on the thread's files, in a child process. */
export type RunSql = (job: SqlJob) => Promise<readonly SqlResult[]>
