import type { Coverage } from '../contract/coverage.ts'
import type { View } from '../history/view.ts'
import { clopperPearson } from '../statistics/proportions.ts'
import type { CheckResult, Proof } from './proof-document.ts'

interface Known {
  readonly view: View
  readonly results: readonly CheckResult[]
  readonly verdict: Proof['verdict']
  readonly coverage: readonly Coverage[]
  readonly breaking: number
  readonly model: Proof['model']
  readonly comparison: Proof['comparison']
  readonly nodes: number
}

/** A table over what was measured; nobody's feeling. */
export function riskOf(known: Known): Proof['risk'] {
  const high = [
    ...(known.verdict === 'NO-GO' ? ['a check that has to pass failed'] : []),
    ...(known.breaking > 0 ? [`${known.breaking} breaking changes of the contract`] : []),
    ...known.comparison.flatMap(({ metric, verdict }) =>
      verdict === 'worse' ? [`${metric} is slower`] : [],
    ),
  ]
  if (high.length > 0) return { level: 'HIGH', facts: high }
  const waived = known.results.filter((result) => result.waived !== null).length
  const missed = known.coverage.filter(({ name, missed: list }) => list.length > 0 && changedNames.has(name))
  const rehearsed = known.results.some(
    ({ id, outcome }) => id === 'rollback.rehearse' && outcome === 'passed',
  )
  const medium = [
    ...(known.verdict === 'INCONCLUSIVE' ? ['something that has to be known is not'] : []),
    ...known.comparison.flatMap(({ metric, verdict }) =>
      verdict === 'unsure' ? [`${metric} may be slower`] : [],
    ),
    ...missed.map(({ name, missed: list }) => `not met of ${name}: ${list.join(', ')}`),
    ...(rehearsed ? [] : ['the way back was not rehearsed']),
    ...(known.nodes < 2 ? [`${known.nodes} node seen`] : []),
    ...(waived > 0 ? [`${waived} checks waived`] : []),
  ]
  return medium.length > 0 ? { level: 'MEDIUM', facts: medium } : { level: 'LOW', facts: [] }
}

/** Of these a miss is a message that somebody may depend on and nobody has tried. */
const changedNames = new Set(['client→server, valid', 'server→client'])

const percent = (share: number): string =>
  `${(100 * share).toFixed(share < 0.001 ? 3 : share < 0.01 ? 2 : 1)} %`

/** What could be wrong although all this was seen. */
export function wouldMiss({ view, results, coverage, model, comparison, nodes }: Known): readonly string[] {
  const runs = view.facts('run').length
  const users = new Set(view.facts('person').map(({ userId }) => userId)).size
  const connections = view
    .facts('reader')
    .filter(({ s, role }) => s === 'concurrent' && role === 'live').length
  const [proof] = view.facts('proof')
  const misses = coverage.flatMap(({ name, missed }) =>
    missed.length > 0 ? [`${name}: ${missed.join(', ')}`] : [],
  )
  const idle = results.filter(({ outcome, required }) => outcome === 'not_exercised' && !required)
  return [
    runs === 0
      ? 'everything about runs: none was made'
      : `faults that meet fewer than ${percent(clopperPearson(0, runs).upper)} of the runs (${runs} runs, 95 %)`,
    ...(comparison.length > 0
      ? [
          `slowdowns below ${Math.round(100 * Math.max(...comparison.map(({ stableMs }) => marginShare(stableMs))))} % of what --against measured`,
        ]
      : ['slowdowns: nothing was compared with (--against)']),
    ...misses.map((miss) => `what was not met of ${miss}`),
    ...(idle.length > 0 ? [`what was not exercised: ${idle.map(({ id }) => id).join(', ')}`] : []),
    `load above ${connections} connections of ${users} ${users === 1 ? 'user' : 'users'} at once`,
    ...(users < 2 ? ['crossed users: there is only one here'] : []),
    ...(model === 'simulated' ? ['the behaviour of a real model: the runs were scripted'] : []),
    ...(nodes < 2 ? ['what goes wrong between nodes: one was seen'] : []),
    ...(proof?.hooks.includes('kill') === true ? [] : ['what a crash loses: no --kill-hook']),
    ...(proof?.hooks.includes('restart') === true ? [] : ['what a restart cuts off: no --restart-hook']),
    `what takes longer than ${Math.round((view.facts('ended')[0]?.seconds ?? 0) / 60) || 1} min to show, such as the end of a connection's life`,
  ]
}

const marginShare = (stableMs: number): number => Math.max(0.15, Math.min(1, 20 / Math.max(stableMs, 1e-6)))
