import { createHash } from 'node:crypto'
import { catalogue } from '../checks/catalogue.ts'
import type { Facts } from '../history/lines.ts'
import { type Proved, type ProveOptions, prove } from '../prove.ts'
import { toolVersion } from '../tool-version.ts'
import type { CheckResult, Proof } from '../verdict/proof-document.ts'
import { proveCertificate } from './certificate.ts'
import { openFaultProxy } from './fault-proxy.ts'
import { faults } from './faults.ts'
import { type HealthyServer, openHealthyServer, simulation } from './healthy-server.ts'
import type { PlantedFault } from './planted-fault.ts'
import { createWorld, type World } from './world.ts'

export interface KillRow {
  readonly fault: string
  readonly check: string
  readonly caught: boolean
  /** What the check said without the fault, in a proof of the same steps. */
  readonly control: CheckResult['outcome']
  /** By what else it was caught. */
  readonly also: readonly string[]
  readonly verdict: Proof['verdict']
  /** The first thing that was said against it. */
  readonly why: string
}

export interface KillMatrix {
  readonly rows: readonly KillRow[]
  readonly healthy: { readonly runs: number; readonly alarms: readonly string[] }
  /** Checks that no fault is planted for. */
  readonly untested: readonly string[]
  readonly ok: boolean
  readonly hash: string
  readonly line: string
  readonly seconds: number
}

export interface SelfTestOptions {
  readonly healthy: number
  /** Proofs at a time: they mostly wait. */
  readonly atATime?: number
  readonly onRow?: (row: KillRow) => void
}

/** Shows that the prover can fail: each fault before a server that is well, and that server by itself, many times. */
export async function selfTest({ healthy, atATime = 4, onRow }: SelfTestOptions): Promise<KillMatrix> {
  const began = performance.now()
  // One that stops the event loop would be felt by the others: it is alone.
  const alone = faults.filter(({ setting }) => setting === 'stall')
  const rows: KillRow[] = []
  const controls = new Map<string, Promise<Proved>>()
  /** Faults of the same steps share one. */
  const controlOf = (fault: PlantedFault): Promise<Proved> => {
    const { setting } = fault
    const key = [stepsFor(fault), setting === 'certificate', setting === 'against'].join()
    const made = controls.get(key) ?? proveWithout(fault)
    controls.set(key, made)
    return made
  }
  const plant = async (fault: PlantedFault): Promise<void> => {
    const row = rowOf(fault, await proveFault(fault), await controlOf(fault))
    rows.push(row)
    onRow?.(row)
  }
  await inTurns(
    faults.filter((fault) => !alone.includes(fault)),
    atATime,
    plant,
  )
  for (const fault of alone) await plant(fault)
  const alarms: string[] = []
  // Half as many at a time: each is judged in this process, and servers beside it stand still meanwhile.
  await inTurns(
    Array.from({ length: healthy }, (_, index) => index),
    Math.ceil(atATime / 2),
    async () => {
      const { proof } = await proveBundled(null)
      if (proof.verdict !== 'GO') alarms.push(`${proof.headline}: ${proof.reasons.join('; ')}`)
    },
  )
  rows.sort((a, b) => order(a.fault) - order(b.fault))
  const untested = catalogue
    .map(({ id }) => id)
    .filter((id) => !rows.some(({ check, caught }) => check === id && caught))
  return {
    rows,
    healthy: { runs: healthy, alarms },
    untested,
    ok: alarms.length === 0 && untested.length === 0 && rows.every(({ caught }) => caught),
    ...sealOf(rows, healthy, alarms.length),
    seconds: Math.round((performance.now() - began) / 100) / 10,
  }
}

const order = (name: string): number => faults.findIndex((fault) => fault.name === name)

/** The hash names what was shown, and not how long it took: the same checks give the same. */
function sealOf(rows: readonly KillRow[], healthy: number, alarms: number): Facts['kill_matrix'] {
  const shown = {
    tool: toolVersion,
    rows: rows.map(({ fault, check, caught }) => [fault, check, caught]),
    healthy,
    alarms,
  }
  const caught = rows.filter((row) => row.caught).length
  return {
    hash: createHash('sha256').update(JSON.stringify(shown)).digest('hex'),
    line: `checks ${toolVersion}: ${caught}/${rows.length} faults detected, ${alarms}/${healthy} false alarms`,
  }
}

const isCaught = ({ outcome }: CheckResult): boolean => outcome === 'failed' || outcome === 'unsure'

const weight = { passed: 0, unsure: 1, not_exercised: 1, failed: 2 } as const

/** Caught is what passes without the fault and does not with it; what cannot be told without it has to fail with it. */
function rowOf({ name, check }: PlantedFault, { proof }: Proved, control: Proved): KillRow {
  const without = control.proof.checks.find(({ id }) => id === check)?.outcome ?? 'not_exercised'
  const against = proof.checks.filter((one) => isCaught(one))
  const expected = against.find(({ id }) => id === check)
  return {
    fault: name,
    check,
    caught: expected !== undefined && proof.verdict !== 'GO' && weight[without] < weight[expected.outcome],
    control: without,
    also: against.filter(({ id }) => id !== check).map(({ id }) => id),
    verdict: proof.verdict,
    why: expected?.examples[0]?.what ?? expected?.notes[0] ?? 'nothing was found',
  }
}

async function inTurns<Task>(
  tasks: readonly Task[],
  atATime: number,
  work: (task: Task) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < tasks.length) {
      const task = tasks[next]
      next += 1
      if (task !== undefined) await work(task)
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}

/** Only the steps that the expected check needs, or all. */
const stepsFor = ({ check }: PlantedFault): readonly string[] =>
  catalogue.find(({ id }) => id === check)?.steps ?? []

function proveFault(planted: PlantedFault): Promise<Proved> {
  return planted.setting === 'certificate' ? proveCertificate(3) : proveBundled(planted)
}

function proveWithout(planted: PlantedFault): Promise<Proved> {
  if (planted.setting === 'certificate') return proveCertificate(90)
  const { name, check, setting } = planted
  const fault = (): object => ({})
  // What is well is waited for longer than what is not: a busy machine is no fault.
  const patienceMs = healthyPatienceMs
  return proveBundled({ name, check, fault, patienceMs, ...(setting === 'against' ? { setting } : {}) })
}

const healthyPatienceMs = 15_000

/** A proof of the bundled server, with a fault before it or none. */
async function proveBundled(planted: PlantedFault | null): Promise<Proved> {
  const world = createWorld()
  const house = { server: await openHealthyServer(world) }
  const { port, url } = house.server
  const proxy = await openFaultProxy(url, planted?.fault() ?? {})
  const stable = planted?.setting === 'against' ? await openFaultProxy(url, {}) : null
  try {
    const only = planted === null ? null : stepsFor(planted)
    return await prove({
      url: proxy.url,
      profile: 'self-test',
      simulation,
      expectCommit: world.commit,
      only,
      // A healthy server that is slow on a busy machine is no alarm; one that is faulty is not waited for so long.
      plan:
        planted === null
          ? { patienceMs: healthyPatienceMs }
          : planted.patienceMs === undefined
            ? {}
            : { patienceMs: planted.patienceMs },
      ...(planted === null ||
      only?.some((step) => step === 'drain' || step === 'crash' || step === 'rollback') === true
        ? { hooks: hooksOf(world, house, port, planted) }
        : {}),
      ...(stable === null ? {} : { against: stable.url }),
      ...(planted?.setting === 'stall' ? { duringSteps: stall } : {}),
    })
  } finally {
    await proxy.close()
    await stable?.close()
    await house.server.kill()
  }
}

/** Longer than the plan of self-test forgives. */
function stall(): void {
  const until = performance.now() + 1_700
  while (performance.now() < until);
}

function hooksOf(
  world: World,
  house: { server: HealthyServer },
  port: number,
  planted: PlantedFault | null,
): NonNullable<ProveOptions['hooks']> {
  const again = async (): Promise<number> => {
    house.server = await openHealthyServer(world, port)
    return 0
  }
  return {
    async restart() {
      await (planted?.setting === 'restart-kills' ? house.server.kill() : house.server.drain())
      return again()
    },
    async kill() {
      await house.server.kill()
      // What was acknowledged and only in memory.
      if (planted?.setting === 'kill-forgets') for (const { log } of world.threads.values()) log.splice(-3, 3)
      return again()
    },
    async rollback() {
      if (planted?.setting === 'rollback-does-nothing') return 0
      await house.server.drain()
      world.commit = 'c'.repeat(40)
      return again()
    },
  }
}
