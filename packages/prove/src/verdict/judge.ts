import { Version } from '@holdfast/protocol'
import { catalogue } from '../checks/catalogue.ts'
import { comparisons, historical } from '../checks/comparison.ts'
import { runTimes } from '../checks/connection-checks.ts'
import { servedContract } from '../checks/protocol-checks.ts'
import { readingsOf, violationsOf } from '../checks/readings.ts'
import { coverageLine, coverageOf } from '../contract/coverage.ts'
import { diffContracts } from '../contract/diff.ts'
import type { Facts, Line } from '../history/lines.ts'
import { type View, viewOf } from '../history/view.ts'
import type { Plan, ProfileName } from '../plan/profiles.ts'
import { profiles } from '../plan/profiles.ts'
import { decide, resultOf } from './outcome.ts'
import { type CheckResult, formatVersion, Proof } from './proof-document.ts'
import { riskOf, wouldMiss } from './risk.ts'

export class NotAProofError extends Error {
  override readonly name = 'NotAProofError'
}

/**
 * From a history to its verdict, and nothing else: no clock, no network, no file. Judging the same history again gives
 * the same proof, byte for byte (H1).
 * @throws {NotAProofError} the history does not begin as one of ours
 */
export function judge(lines: readonly Line[]): Proof {
  const view = viewOf(lines)
  const [about] = view.facts('proof')
  if (about === undefined || !(about.profile in profiles))
    throw new NotAProofError('The history does not say what was to be proved')
  const plan = { ...profiles[about.profile as ProfileName].plan, ...about.plan } as Plan
  const required = requiredOf(about)
  const results = catalogue.map((check) => {
    const context = { view, plan }
    return resultOf(check, check.judge(context), {
      minimum: check.minimum(context),
      required: required.has(check.id),
      waivers: about.waivers,
      startedAt: about.startedAt,
      diagnosis: view.facts('diagnosis').find(({ check: id }) => id === check.id),
    })
  })
  const coverage = coverageOf(view)
  const [reference] = view.facts('reference')
  const served = servedContract(view)
  const diff =
    reference === undefined || served === undefined ? null : diffContracts(reference.contract, served)
  const comparison = comparisons(view).map(({ source: _, ratio, ...row }) => ({
    ...row,
    ratio: { estimate: finite(ratio.estimate), lower: finite(ratio.lower), upper: finite(ratio.upper) },
    ratios: [...row.ratios],
  }))
  const samples = samplesOf(view, plan)
  const earlier = earlierOf(view, results, samples)
  const skipped = view.facts('skipped').map(({ step, why }) => `${step} was left out: ${why}`)
  const troubled = view.facts('trouble').map(({ step, what }) => `${step} broke off: ${what}`)
  const { verdict, headline, reasons } = decide(results, [...skipped, ...troubled])
  const nodes = [
    ...new Set([...view.https, ...view.opens].flatMap(({ headers }) => headers['x-holdfast-node'] ?? [])),
  ].sort()
  const breaking = (diff?.changes ?? []).filter(({ kind }) => kind === 'breaking').length
  const model = modelOf(view)
  const known = { view, results, verdict, coverage, breaking, model, comparison, nodes: nodes.length }
  const tally = (outcome: CheckResult['outcome']): number =>
    results.filter((one) => one.outcome === outcome).length
  const exercised = tally('passed') + tally('failed') + tally('unsure')
  return Proof.parse({
    format: formatVersion,
    verdict,
    headline,
    reasons: [...reasons],
    id: about.id,
    tool: about.tool,
    url: about.url,
    profile: about.profile,
    startedAt: about.startedAt,
    seconds: view.facts('ended')[0]?.seconds ?? 0,
    build: {
      ...buildOf(view),
      source: about.identitySource === 'operator' ? 'operator' : 'server-asserted',
      nodes,
    },
    model,
    users: new Set(view.facts('person').map(({ userId }) => userId)).size,
    totals: {
      checks: results.length,
      passed: tally('passed'),
      failed: tally('failed'),
      notExercised: tally('not_exercised'),
      unsure: tally('unsure'),
      passRate: exercised === 0 ? 0 : tally('passed') / exercised,
    },
    staging: stagingTests(view, results, coverageLine(coverage.slice(0, 5))),
    checks: results,
    coverage,
    contract: {
      says: diff?.says ?? 'No contract that can be read',
      source: reference?.source ?? 'none',
      changes: diff?.changes ?? [],
    },
    comparison,
    historical: earlier,
    risk: riskOf(known),
    wouldMiss: [...wouldMiss(known)],
    rollback: rollbackOf(view, about, results),
    killMatrix: killMatrixOf(view),
    samples,
    closes: closesOf(view),
    timeline: timelineOf(view),
    steps: stepsOf(view, about.steps),
  })
}

/** What the profile asks for, and what the operator asked for by giving the means. */
function requiredOf(about: Facts['proof']): ReadonlySet<string> {
  const required = new Set<string>(profiles[about.profile as ProfileName].requires)
  if (about.url.startsWith('https:')) required.add('tls.cert')
  if (about.against !== null) required.add('perf.compare')
  if (about.hooks.includes('restart')) required.add('drain.rolling')
  if (about.hooks.includes('kill')) required.add('crash.durable')
  if (about.hooks.includes('rollback')) required.add('rollback.rehearse')
  // A proof of a part, as self-test makes them, asks for that part.
  if (about.plan['only'] === 1)
    return new Set([...required].filter((id) => neededSteps(id).every((step) => about.steps.includes(step))))
  return required
}

const neededSteps = (id: string): readonly string[] => catalogue.find((check) => check.id === id)?.steps ?? []

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function buildOf(view: View) {
  const line = view.https.find(({ about, status }) => about === 'identity' && status === 200)
  let parsed: ReturnType<typeof Version.safeParse> | null = null
  try {
    parsed = line === undefined ? null : Version.safeParse(JSON.parse(line.body))
  } catch {
    parsed = null
  }
  const { commit, image, contract, schema } = parsed?.data ?? {
    commit: 'unknown',
    image: 'unknown',
    contract: 'unknown',
    schema: 'unknown',
  }
  return { commit, image, contract, schema }
}

function modelOf(view: View): Proof['model'] {
  for (const list of view.deliveries.values())
    for (const { event } of list) if (event?.type === 'agent_started' && !event.data.offline) return 'real'
  return view.facts('run').length > 0 ? 'simulated' : 'none'
}

function samplesOf(view: View, plan: Plan): Record<string, number[]> {
  const { first, total } = runTimes(view, plan, 'concurrent')
  const round = (values: readonly number[]): number[] =>
    values.map((value) => Math.round(value * 1000) / 1000)
  return {
    connectMs: round(view.opens.filter(({ about }) => about === 'cold').map(({ ms }) => ms)),
    firstEventMs: round(first),
    runMs: round(total),
  }
}

function earlierOf(
  view: View,
  results: readonly CheckResult[],
  samples: Record<string, number[]>,
): Proof['historical'] {
  const [baseline] = view.facts('baseline')
  if (baseline === undefined) return null
  const { madeAt, verdict, commit } = baseline
  return {
    madeAt,
    verdict,
    commit,
    metrics: historical(baseline.samples, samples).map(({ shift, ...row }) => ({
      ...row,
      shift: { estimate: finite(shift.estimate), lower: finite(shift.lower), upper: finite(shift.upper) },
    })),
    checks: results
      .filter(({ id, outcome }) => (baseline.checks[id] ?? 'new') !== outcome)
      .map(({ id, outcome }) => ({ id, before: baseline.checks[id] ?? 'new', now: outcome })),
  }
}

/** The three tests of the system this replaces, whose reports said "proven" before a close 1011. */
const staging = [
  { name: 'WebSocket connection', group: 'connection', steps: ['auth', 'connect', 'idle'] },
  { name: 'WebSocket event flow', group: 'flow', steps: ['flow', 'resume'] },
  { name: 'Concurrent WebSockets', group: 'concurrency', steps: ['concurrent', 'isolation', 'slow'] },
] as const

function stagingTests(view: View, results: readonly CheckResult[], coverage: string): Proof['staging'] {
  const seconds = new Map(view.facts('block').map((block) => [block.label, block.seconds]))
  return staging.map(({ name, group, steps }) => {
    const mine = results.filter((result) => result.group === group)
    const passed = mine.filter(({ outcome }) => outcome === 'passed').length
    const failed = mine.filter(({ outcome }) => outcome === 'failed').length
    return {
      name,
      checks: mine.map(({ id }) => id),
      total: mine.length,
      passed,
      failed,
      notExercised: mine.length - passed - failed,
      passRate: passed + failed === 0 ? 0 : passed / (passed + failed),
      situations: mine.reduce((sum, one) => sum + one.situations, 0),
      coverage,
      seconds: steps.reduce((sum, step) => sum + (seconds.get(step) ?? 0), 0),
    }
  })
}

function rollbackOf(view: View, about: Facts['proof'], results: readonly CheckResult[]): Proof['rollback'] {
  const hook = view.facts('hook').find(({ hook: name }) => name === 'rollback')
  const rehearsed = results.some(({ id, outcome }) => id === 'rollback.rehearse' && outcome === 'passed')
  const { schema } = buildOf(view)
  return {
    previous: about.previous ?? 'not named (--previous)',
    command: about.rollbackCommand ?? 'not named (--rollback-hook or --rollback-command)',
    rehearsed,
    seconds: hook === undefined ? null : Math.round(hook.ms) / 1000,
    schema: `this build brings ${schema}; the previous one runs on it only if its migrations were additive`,
    openSockets:
      'connected users stay on the old build until their connection ends, after 58 minutes at the latest',
  }
}

function killMatrixOf(view: View): Proof['killMatrix'] {
  const [matrix] = view.facts('kill_matrix')
  return matrix === undefined ? null : { hash: matrix.hash, line: matrix.line }
}

function closesOf(view: View): Proof['closes'] {
  const tally = new Map<string, number>()
  for (const { code, by } of view.closes) tally.set(`${code} ${by}`, (tally.get(`${code} ${by}`) ?? 0) + 1)
  return [...tally].sort().map(([key, count]) => {
    const [code, by = ''] = key.split(' ')
    return { code: Number(code), by, count }
  })
}

/** Each reading of a thread as a bar, with what went wrong with it. */
function timelineOf(view: View): Proof['timeline'] {
  return readingsOf(view, () => true)
    .slice(0, 40)
    .map((reading) => {
      const times = reading.deliveries.map(({ t }) => t)
      const { conn, role, cut, s } = reading.reader
      return {
        label: `${s} ${role} ${conn}`,
        from: times[0] ?? reading.reader.t,
        to: times.at(-1) ?? reading.reader.t,
        ok: violationsOf(reading).length === 0,
        cut: role === 'first_half' ? cut : null,
      }
    })
}

function stepsOf(view: View, order: readonly string[]): Proof['steps'] {
  const trouble = new Map(view.facts('trouble').map(({ step, what }) => [step, what]))
  return view
    .facts('block')
    .filter(
      ({ label }) => order.includes(label) || label === 'residue' || label === 'idle' || label === 'compare',
    )
    .map((block) => ({ id: block.label, seconds: block.seconds, trouble: trouble.get(block.label) ?? null }))
}
