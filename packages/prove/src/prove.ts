import { monitorEventLoopDelay } from 'node:perf_hooks'
import { contract, Version } from '@holdfast/protocol'
import { catalogue } from './checks/catalogue.ts'
import type { Facts, Line } from './history/lines.ts'
import { createRecorder } from './history/recorder.ts'
import { viewOf } from './history/view.ts'
import {
  createLab,
  DeadlineError,
  type Hook,
  type Lab,
  pause,
  randomHex,
  type SimulationKey,
} from './lab/lab.ts'
import { type Plan, type ProfileName, profiles } from './plan/profiles.ts'
import { compareStep } from './steps/compare.ts'
import { type Idler, openIdler } from './steps/idle.ts'
import { removeThreads } from './steps/residue.ts'
import { lastStep, type Step, steps } from './steps/steps.ts'
import { toolVersion } from './tool-version.ts'
import { judge } from './verdict/judge.ts'
import type { Proof } from './verdict/proof-document.ts'
import { closeAgents } from './wire/http.ts'

export interface ProveOptions {
  readonly url: string
  readonly profile: ProfileName
  /** Bearer tokens of the users to act as; one may stand for all. */
  readonly tokens?: readonly string[]
  /** In place of tokens: simulated users, made for this proof. */
  readonly simulation?: SimulationKey | null
  readonly against?: string | null
  readonly expectCommit?: string | null
  readonly expectImage?: string | null
  /** Each stops the server in its way and starts it again before it resolves, with 0. */
  readonly hooks?: Readonly<Partial<Record<'restart' | 'kill' | 'rollback', Hook>>>
  readonly rollbackCommand?: string | null
  readonly previous?: string | null
  readonly waivers?: Facts['proof']['waivers']
  readonly baseline?: Facts['baseline'] | null
  /** The contract that clients were built against. Default: the one of this prover. */
  readonly reference?: Facts['reference'] | null
  readonly killMatrix?: Facts['kill_matrix'] | null
  readonly plan?: Partial<Plan>
  /** Only these steps, and the checks that need no others. Default: all. */
  readonly only?: readonly string[] | null
  readonly ca?: string | null
  readonly onStep?: (step: Pick<Step, 'id' | 'title'>, at: number, of: number) => void
  /** For the check of the machine that proves: what stands still is told by it. */
  readonly duringSteps?: () => void
}

/** Nobody at the address speaks HTTP: there is nothing to judge. Exit code 4. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

export interface Proved {
  readonly lines: readonly Line[]
  readonly proof: Proof
}

/** After everything that is to be left alone, and after what is measured. */
const stopsTheServer = new Set(['drain', 'crash', 'rollback'])

const timeWasOver = 'the time of the proof was over'

function isOver({ id }: Pick<Step, 'id'>, { deadline, recorder }: Lab): boolean {
  if (performance.now() < deadline.at) return false
  recorder.fact('skipped', { step: id, why: timeWasOver })
  return true
}

/** Kept for cleaning up after the last step. */
const cleanUpMs = 15_000
const compareMs = 15 * 60_000
const diagnosticTries = 5

/**
 * Exercises the server, writes the history and judges it.
 * @throws {UnreachableError}
 */
export async function prove(options: ProveOptions): Promise<Proved> {
  const profile = profiles[options.profile]
  const plan: Plan = { ...profile.plan, ...options.plan }
  const recorder = createRecorder()
  const id = randomHex(5)
  const began = performance.now()
  const chosen = steps.filter(
    ({ id: step }) => (options.only?.includes(step) ?? true) && !profile.never.includes(step),
  )
  const withIdle = options.only?.includes('idle') ?? true
  const deadline = {
    at: began + plan.totalMs - cleanUpMs + (options.against == null ? 0 : compareMs),
  }
  const lab = createLab({
    url: options.url,
    recorder,
    profile: { ...profile, plan },
    id,
    tokens: options.tokens ?? [],
    simulation: options.simulation ?? null,
    hooks: options.hooks ?? {},
    ca: options.ca ?? null,
    deadline,
  })
  announce(options, lab, [
    ...chosen.map((step) => step.id),
    ...(withIdle ? ['idle'] : []),
    ...(options.against == null ? [] : ['compare']),
  ])

  const of = chosen.length + 2
  let idler: Idler | null = null
  try {
    const first = chosen.filter((step) => !stopsTheServer.has(step.id))
    let goesOn = true
    for (const [index, step] of first.entries()) {
      if (!goesOn || isOver(step, lab)) continue
      options.onStep?.(step, index + 1, of)
      goesOn = await take(step, lab, options.duringSteps)
      if (step.id === 'identity') {
        requireAnswer(lab)
        if (!speaksOurContract(lab)) {
          recorder.fact('skipped', { step: 'everything else', why: 'what answers there is no Holdfast' })
          goesOn = false
        }
      }
      if (step.id === 'sign-in' && withIdle) idler = await openIdler(lab)
    }
    if (goesOn && idler !== null && !isOver({ id: 'idle' }, lab)) {
      const waiting = idler
      options.onStep?.({ id: 'idle', title: 'leaving a connection alone' }, first.length + 1, of)
      goesOn = await take({ id: 'idle', title: '', run: () => waiting.finish() }, lab)
    }
    const { against } = options
    if (goesOn && against != null && lab.people.length > 0 && !isOver({ id: 'compare' }, lab)) {
      options.onStep?.(
        { id: 'compare', title: 'comparing with the stable build, block by block' },
        first.length + 1,
        of,
      )
      goesOn = await take({ id: 'compare', title: '', run: (here) => compareStep(here, against) }, lab)
    }
    for (const step of chosen.filter(({ id: step }) => stopsTheServer.has(step))) {
      if (!goesOn || isOver(step, lab)) continue
      options.onStep?.(step, of - 1, of)
      goesOn = await take(step, lab, options.duringSteps)
    }
    // Before its users are taken away.
    if (goesOn && options.only == null) await diagnose(lab)
  } finally {
    // With what is left of its time: users are not taken away faster than the limit of simulations lets it.
    deadline.at = Math.max(performance.now(), deadline.at) + cleanUpMs
    options.onStep?.(lastStep, of, of)
    await take(lastStep, lab, options.duringSteps)
  }
  recorder.step = 'end'
  recorder.fact('ended', { seconds: Math.round((performance.now() - began) / 10) / 100 })
  closeAgents(lab.agents)
  return { lines: recorder.lines, proof: judge(recorder.lines) }
}

function announce(options: ProveOptions, { recorder, id }: Lab, order: readonly string[]): void {
  const { profile, url, plan = {} } = options
  recorder.fact('proof', {
    format: 1,
    id,
    tool: `holdfast prove ${toolVersion}`,
    url: withoutCredentials(url),
    against: options.against == null ? null : withoutCredentials(options.against),
    profile,
    startedAt: new Date().toISOString(),
    expectCommit: options.expectCommit ?? null,
    expectImage: options.expectImage ?? null,
    steps: [...order],
    plan: { ...plan, ...(options.only == null ? {} : { only: 1 }) },
    hooks: Object.keys(options.hooks ?? {}),
    simulated: options.simulation != null,
    waivers: [...(options.waivers ?? [])],
    identitySource: options.expectCommit != null || options.expectImage != null ? 'operator' : 'server',
    previous: options.previous ?? null,
    rollbackCommand: options.rollbackCommand ?? null,
  })
  recorder.fact(
    'reference',
    options.reference ?? {
      contract: JSON.parse(JSON.stringify(contract())) as unknown,
      source: `the contract of ${toolVersion}`,
    },
  )
  if (options.baseline != null) recorder.fact('baseline', options.baseline)
  if (options.killMatrix != null) recorder.fact('kill_matrix', options.killMatrix)
}

function withoutCredentials(url: string): string {
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  return parsed.href
}

/** One step, timed, with how long this machine stood still meanwhile. false: nothing more can be written down. */
async function take(step: Step, lab: Lab, during?: () => void): Promise<boolean> {
  const { recorder } = lab
  recorder.step = step.id
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  // It compares one tick with the next: without one before and one after, a stall at either end is not seen.
  await pause(tickMs)
  const began = performance.now()
  const cpu = process.cpuUsage()
  const wasFull = recorder.isFull
  let trouble: string | null = null
  try {
    const running = step.run(lab)
    during?.()
    await running
  } catch (error) {
    if (error instanceof DeadlineError) recorder.fact('skipped', { step: step.id, why: timeWasOver })
    else trouble = error instanceof Error ? error.message : String(error)
  } finally {
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    await pause(tickMs)
    delay.disable()
    recorder.step = step.id
    recorder.fact('block', {
      label: step.id,
      seconds: Math.round(seconds * 1000) / 1000,
      stallMs: Math.round(delay.max / 1e4) / 100,
      cpu: Math.round(((user + system) / 1e6 / Math.max(seconds, 0.001)) * 1000) / 1000,
    })
  }
  // In a listener of a socket nobody hears that it is.
  if (recorder.isFull && !wasFull) trouble = 'the history is full: this server says too much'
  if (trouble !== null) recorder.fact('trouble', { step: step.id, what: trouble })
  return !recorder.isFull
}

/** @throws {UnreachableError} not one answer, to nothing, and no certificate that would say why */
function requireAnswer({ recorder, url }: Lab): void {
  const asked = recorder.lines.filter((line) => line.k === 'http')
  if (asked.some(({ status }) => status !== null)) return
  // One that is not trusted is shown, and is what tls.cert is there for.
  if (recorder.lines.some((line) => line.k === 'fact' && line.name === 'tls' && line.data['validTo'] !== ''))
    return
  const error = asked.at(-1)?.error ?? 'no answer'
  throw new UnreachableError(`Nothing that speaks HTTP answers at ${withoutCredentials(url)}: ${error}`)
}

function speaksOurContract({ recorder }: Lab): boolean {
  return recorder.lines.some((line) => {
    if (line.k !== 'http' || line.about !== 'identity' || line.status !== 200) return false
    try {
      return Version.safeParse(JSON.parse(line.body)).success
    } catch {
      return false
    }
  })
}

/**
 * What failed is tried again a few times, to say whether it always fails. It changes no verdict: a check that failed
 * has failed.
 */
async function diagnose(lab: Lab): Promise<void> {
  const failed = judge(lab.recorder.lines).checks.filter(
    ({ outcome, id }) => outcome === 'failed' && repeatable.has(stepOf(id)),
  )
  const until = performance.now() + diagnosisMs
  for (const { id } of failed.slice(0, 2)) {
    const step = steps.find((one) => one.id === stepOf(id))
    const check = catalogue.find((one) => one.id === id)
    if (step === undefined || check === undefined) continue
    let times = 0
    let tries = 0
    for (let index = 0; index < diagnosticTries && performance.now() < until; index += 1) {
      const recorder = lab.recorder.aside()
      const deadline = { at: Math.min(performance.now() + diagnosticMs, until) }
      const again = createLab({ ...lab, recorder, deadline })
      again.scripted = lab.scripted
      again.tier = lab.tier
      again.people.push(...lab.people)
      await take(step, again)
      const view = viewOf(recorder.lines)
      const { situations, violations } = check.judge({ view, plan: lab.profile.plan })
      const brokeOff = view.facts('skipped').length + view.facts('trouble').length > 0
      // One that broke off before anything was wrong has shown nothing.
      if (situations > 0 && (violations.length > 0 || !brokeOff)) tries += 1
      if (violations.length > 0 && situations > 0) times += 1
      deadline.at = performance.now() + cleanUpMs
      await take({ ...lastStep, run: removeThreads }, again)
    }
    if (tries > 0) lab.recorder.fact('diagnosis', { check: id, failed: times, of: tries })
  }
}

/** Two of the monitor's. */
const tickMs = 20
const diagnosticMs = 15_000
const diagnosisMs = 30_000
/** Steps that can be taken again by themselves and are over soon. */
const repeatable = new Set(['auth', 'connect', 'flow', 'resume'])
const stepOf = (id: string): string => catalogue.find((check) => check.id === id)?.steps.at(-1) ?? ''
