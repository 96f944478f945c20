import type { Check, Finding } from '../checks/finding.ts'
import type { Facts } from '../history/lines.ts'
import type { CheckResult } from './proof-document.ts'

const examplesKept = 8

/** A check passes only if nothing was wrong and its situation came up often enough. */
function outcomeOf({ violations, situations, unsure }: Finding, minimum: number): CheckResult['outcome'] {
  if (violations.length > 0) return 'failed'
  if (situations < minimum || situations === 0) return 'not_exercised'
  return unsure === undefined ? 'passed' : 'unsure'
}

export function resultOf(
  check: Check,
  finding: Finding,
  given: {
    readonly minimum: number
    readonly required: boolean
    readonly waivers: Facts['proof']['waivers']
    readonly startedAt: string
    readonly diagnosis: Facts['diagnosis'] | undefined
  },
): CheckResult {
  const outcome = outcomeOf(finding, given.minimum)
  const waiver = given.waivers.find(({ check: id, expires }) => id === check.id && expires > given.startedAt)
  return {
    id: check.id,
    title: check.title,
    group: check.group,
    required: given.required,
    invariant: check.invariant,
    outcome,
    // What was wrong with delivery, isolation or sign-in is not made right by a signature under a waiver.
    waived:
      waiver === undefined || outcome === 'passed' || check.invariant
        ? null
        : { owner: waiver.owner, reason: waiver.reason, expires: waiver.expires },
    situations: finding.situations,
    minimum: given.minimum,
    says: finding.says,
    violations: finding.violations.length,
    examples: finding.violations.slice(0, examplesKept).map(({ what, t, conn }) => ({
      what: what.slice(0, 500),
      t,
      ...(conn === undefined ? {} : { conn }),
    })),
    measured: Object.fromEntries(
      Object.entries(finding.measured ?? {}).filter(([, value]) => Number.isFinite(value)),
    ),
    notes: [...(finding.unsure === undefined ? [] : [finding.unsure]), ...(finding.notes ?? [])].slice(0, 20),
    diagnosis:
      given.diagnosis === undefined || outcome !== 'failed'
        ? null
        : given.diagnosis.failed === given.diagnosis.of
          ? `constant: ${given.diagnosis.of} of ${given.diagnosis.of} more tries failed`
          : `intermittent: ${given.diagnosis.failed} of ${given.diagnosis.of} more tries failed`,
  }
}

export interface Decision {
  readonly verdict: 'GO' | 'NO-GO' | 'INCONCLUSIVE'
  readonly headline: string
  readonly reasons: readonly string[]
}

/**
 * NO-GO: a check failed that has to pass, or an invariant did, required or not. INCONCLUSIVE: one that has to pass did
 * not come up or cannot be told. GO: else. Nothing is ever averaged.
 */
export function decide(results: readonly CheckResult[], doubts: readonly string[]): Decision {
  const counted = results.filter(({ waived }) => waived === null)
  const failed = counted.filter(
    ({ outcome, required, invariant }) => outcome === 'failed' && (required || invariant),
  )
  const open = counted.filter(
    ({ outcome, required }) => required && (outcome === 'not_exercised' || outcome === 'unsure'),
  )
  const optional = counted.filter(
    ({ outcome, required, invariant }) => outcome === 'failed' && !required && !invariant,
  )
  const waived = results.length - counted.length
  const tail = waived > 0 ? `, ${waived} waived` : ''
  if (failed.length > 0)
    return {
      verdict: 'NO-GO',
      headline: `NO-GO${tail}`,
      reasons: failed.map(
        ({ id, examples, violations }) =>
          `${id}: ${examples[0]?.what ?? 'failed'}${violations > 1 ? ` (and ${violations - 1} more)` : ''}`,
      ),
    }
  const whyNot = [
    ...open.map(({ id, outcome, situations, minimum, notes }) =>
      outcome === 'unsure'
        ? `${id}: ${notes[0] ?? 'cannot be told'}`
        : `${id}: not exercised (${situations} of ${minimum})`,
    ),
    ...optional.map(
      ({ id, examples }) => `${id} failed, which this profile does not require: ${examples[0]?.what ?? ''}`,
    ),
    ...doubts,
  ]
  if (whyNot.length > 0) return { verdict: 'INCONCLUSIVE', headline: `INCONCLUSIVE${tail}`, reasons: whyNot }
  return { verdict: 'GO', headline: `GO${tail}`, reasons: [] }
}
