import fc from 'fast-check'
import type { Verdict, ViolationClass } from '../checker.ts'
import { runSchedule } from './run-schedule.ts'
import { anySchedule, type Schedule } from './schedule.ts'

export interface ModelFinding {
  readonly classes: readonly ViolationClass[]
  readonly examples: readonly string[]
  readonly seed: number
  readonly path: string
  /** The smallest schedule that shows it. */
  readonly schedule: Schedule
}

export interface ModelReport {
  readonly schedules: number
  readonly events: number
  readonly connections: number
  readonly finding: ModelFinding | null
}

export const violatedClasses = ({ counts }: Verdict): ViolationClass[] =>
  (Object.keys(counts) as ViolationClass[]).filter((name) => counts[name] > 0)

/** Tries so many schedules; stops at the first that shows a violation, and shrinks it. */
export async function runModel(options: {
  readonly seeds: number
  readonly seed: number
  /** Look for the smallest schedule; default true. */
  readonly shrink?: boolean
  readonly onProgress?: (done: number) => void
}): Promise<ModelReport> {
  let schedules = 0
  let events = 0
  let connections = 0
  const details = await fc.check(
    fc.asyncProperty(anySchedule, async (schedule) => {
      const verdict = await runSchedule(schedule)
      schedules += 1
      events += verdict.applied
      connections += verdict.connections
      if (schedules % 5_000 === 0) options.onProgress?.(schedules)
      return violatedClasses(verdict).length === 0
    }),
    { numRuns: options.seeds, seed: options.seed, endOnFailure: options.shrink === false },
  )
  const totals = { schedules, events, connections }
  const [schedule] = details.counterexample ?? []
  if (schedule === undefined) return { ...totals, finding: null }
  const verdict = await runSchedule(schedule)
  return {
    ...totals,
    finding: {
      classes: violatedClasses(verdict),
      examples: verdict.examples,
      seed: options.seed,
      path: details.counterexamplePath ?? '',
      schedule,
    },
  }
}
