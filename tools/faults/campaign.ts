/**
 * A campaign from its plan to its report:
 *
 *   threads ──▶ servers ──▶ doors of the proxy ──▶ clients
 *                  │              │                  │
 *               nemesis        strikes            journals ──▶ checker ◀── truth from the store, when all is over
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EpochId, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { openNatsServer } from '../../packages/server/src/bus/testing/nats-server.ts'
import { freePort } from '../../packages/server/src/store/testing/free-port.ts'
import { openPostgresServer } from '../../packages/server/src/store/testing/postgres-server.ts'
import type { Follower, Verdict } from './checker.ts'
import type { ClientOrder, ClientsOrder, ClientsProgress } from './clients.ts'
import { drive, perRun } from './driver.ts'
import { excusesOf } from './excuses.ts'
import { readExecutions } from './executions.ts'
import { judge } from './judge.ts'
import type { Moment } from './moments.ts'
import { createNode, createProcess, type Node } from './nemesis.ts'
import type { Plan } from './plan.ts'
import { type FaultKind, type FaultProxy, faultKinds, isWebSocket, openFaultProxy } from './proxy.ts'
import { createRandom } from './random.ts'
import { judgeRuns, type RunsVerdict } from './runs-checker.ts'
import type { ServerOrder } from './server.ts'
import { planStrikes, strikeAll } from './strikes.ts'
import { createTrouble } from './trouble.ts'
import { createThreadRows, openTruthStore, readTruth } from './truth.ts'
import { makeUsers } from './users.ts'

export interface CampaignReport {
  readonly plan: Plan
  readonly verdict: Verdict
  readonly runs: RunsVerdict
  /** Servers that died at exactly the moment that was meant. */
  readonly exact: Readonly<Record<Moment, number>>
  readonly databaseOutages: number
  readonly busOutages: number
  /** Attempts that woke up to find their run in other hands, and wrote no more. */
  readonly refusedAttempts: number
  readonly strikes: Readonly<Record<FaultKind, number>>
  readonly kills: number
  readonly terms: number
  readonly stops: number
  readonly clientKills: number
  /** Exits that nobody asked for, and ends on SIGTERM that were late or not clean. */
  readonly crashes: number
  readonly uncleanEnds: number
  /** SIGTERM until the process was gone. */
  readonly termMs: readonly number[]
  /** Spawn until it served again. */
  readonly restartMs: readonly number[]
  /** Clients that were refused another user's thread. */
  readonly denied: number
  readonly serverErrors: number
  readonly seconds: number
  /** What they went into. */
  readonly phases: readonly { readonly name: string; readonly seconds: number }[]
  /** Where journals and logs are; null: removed. */
  readonly directory: string | null
}

/** R2, of a run whose server died while there was another, or came back at once. */
const handOverWithinMs = 10_000
/** For every client to be there before the first fault; who is not by then comes amid the faults. */
const gatherWithinMs = 120_000
/**
 * A server takes 64; what a deed to it interrupts has to be made good before the last run ends, so neither few, which
 * takes long after the last fault, nor as many as it can carry, which makes the machine the trouble.
 */
const runsAtOncePerNode = 20
/** A campaign that cannot get through its plan ends after this many times the planned seconds. */
const patience = 3

export async function runCampaign(
  plan: Plan,
  say: (line: string) => void,
  interrupted: AbortSignal,
): Promise<CampaignReport> {
  const { numbers } = plan
  const beganMs = performance.now()
  const phases: [name: string, atMs: number][] = []
  const mark = (name: string): void => void phases.push([name, performance.now()])
  mark('starting')
  const random = createRandom(numbers.seed)
  await using owned = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-faults-'))
  let keep = plan.keep
  owned.defer(async () => {
    if (!keep) await rm(directory, { recursive: true, force: true })
  })
  const database = plan.postgres === 'embedded' ? owned.use(await openPostgresServer()) : null
  const databaseUrl = database?.url ?? plan.postgres
  const bus = plan.bus === 'nats' ? owned.use(await openNatsServer()) : null

  // --- the ground: users, and a thread of each
  // Of a single one every other thread would be his own: then there is a stranger, of whom nothing is asked.
  const users = makeUsers(Math.max(numbers.users, 2))
  const { threads, epoch } = await prepare(directory, databaseUrl, users)
  const driven = users
    .slice(0, numbers.users)
    .map(({ token }, index) => ({ token, thread: threads[index] as ThreadId }))

  // --- servers
  const executionsPath = join(directory, 'executions.jsonl')
  writeFileSync(executionsPath, '')
  const proxy = owned.use(openFaultProxy())
  const nodes: Node[] = []
  const retarget = (): void => proxy.setTargets(nodes.filter(({ ready }) => ready).map(({ port }) => port))
  for (let index = 0; index < numbers.nodes; index += 1) {
    const order: ServerOrder = {
      dataDir: join(directory, 'data'),
      databaseUrl,
      port: await freePort(),
      users,
      planted: plan.planted,
      hintPercent: numbers['hint-percent'],
      ...(plan.bus !== null && { bus: plan.bus }),
      ...(bus !== null && { natsUrl: bus.url }),
      ...(numbers.effects > 0 && { executionsPath }),
    }
    nodes.push(owned.use(createNode(`server-${index}`, directory, order, retarget)))
  }
  say(`starting ${numbers.nodes} server(s) in ${directory}`)
  await Promise.all(nodes.map((node) => node.start()))

  // --- clients
  const followers: Follower[] = []
  const orders: ClientOrder[] = []
  for (let client = 0; client < numbers.clients; client += 1) {
    const index = client % driven.length
    const { thread, token } = driven[index] as (typeof driven)[number]
    const foreignThread = threads[(index + 1) % threads.length] as ThreadId
    followers.push({ client, user: users[index]?.userId as Follower['user'], thread })
    orders.push({ client, token, thread, foreignThread, url: `http://127.0.0.1:${await proxy.door(client)}` })
  }
  const applied = new Map<number, number>()
  const appliedOf = new Map<ThreadId, number>()
  const groups = Array.from({ length: numbers.processes }, (_, index) => {
    const order: ClientsOrder = {
      journalPath: join(directory, `clients-${index}.jsonl`),
      epoch,
      delayScale: numbers['delay-percent'] / 100,
      clients: orders.filter(({ client }) => client % numbers.processes === index),
    }
    const group = owned.use(
      createProcess({
        name: `clients-${index}`,
        directory,
        script: 'clients.ts',
        order,
        onMessage(message) {
          for (const [client, seq] of (message as ClientsProgress).applied) {
            applied.set(client, seq)
            const thread = followers[client]?.thread
            if (thread !== undefined) appliedOf.set(thread, Math.max(seq, appliedOf.get(thread) ?? 0))
          }
        },
      }),
    )
    group.start()
    return { order, group }
  })

  // --- trouble, once there is somebody to meet it
  const webSockets = () => proxy.connections().filter(isWebSocket)
  const complete = (): boolean => new Set(webSockets().map(({ client }) => client)).size === numbers.clients
  for (const untilMs = performance.now() + gatherWithinMs; !complete() && performance.now() < untilMs; )
    await sleep(100)
  mark('trouble')
  const troubleMs = performance.now()
  const overMs = numbers.seconds * 1_000
  const limit = AbortSignal.any([interrupted, AbortSignal.timeout(overMs * patience + 60_000)])
  const wantedCommits = numbers['events-per-client'] * threads.length
  const atOnce = Math.min(runsAtOncePerNode * numbers.nodes, threads.length)
  const driver = drive(driven, {
    urls: () => nodes.flatMap(({ ready, frozen, url }) => (ready && !frozen ? [url] : [])),
    plan: {
      ...perRun,
      effects: numbers.effects > 0 ? ['pure', 'idempotent', 'effect'] : ['pure'],
      toolMs: numbers['tool-ms'],
      busyMs: numbers['busy-ms'],
    },
    applied: (thread) => appliedOf.get(thread) ?? 0,
    eventsPerThread: numbers['events-per-client'],
    // Ahead of time by a fifth, for what trouble costs.
    due: () =>
      numbers.paced === 0
        ? Number.POSITIVE_INFINITY
        : (1.2 * wantedCommits * (performance.now() - troubleMs)) / overMs,
    atOnce,
    signal: limit,
  })
  driver.idle.catch(() => {})
  const faults = planStrikes(numbers, random)
  const trouble = createTrouble(
    {
      nodes,
      database,
      bus,
      groups: groups.map(({ group }) => group),
      complete,
    },
    numbers,
    random,
  )
  const wanted = numbers.clients * numbers['events-per-client']
  const progress = setInterval(
    () => {
      const sum = [...applied.values()].reduce((total, seq) => total + seq, 0)
      const passedMs = performance.now() - troubleMs
      const share = Math.min(
        passedMs / overMs,
        sum / wanted,
        trouble.done / Math.max(trouble.planned, 1) || 1,
        proxy.strikes.length / Math.max(faults.length, 1) || 1,
      )
      const leftSeconds = (passedMs * (1 - share)) / Math.max(share, 0.001) / 1_000
      say(
        `${Math.round(passedMs / 1_000)} s, about ${Math.round(leftSeconds)} s to go: ${sum}/${wanted} applied, ${proxy.strikes.length}/${faults.length} faults, ${trouble.done}/${trouble.planned} deeds, ${proxy.connections().length} connections`,
      )
    },
    overMs > 600_000 ? 60_000 : 10_000,
  )
  owned.defer(() => clearInterval(progress))
  await Promise.all([strikeAll(proxy, faults, overMs, random, limit), trouble.run(overMs, limit)])
  mark('last runs')
  driver.finish()
  await driver.idle.catch((error: unknown) => {
    if (!limit.aborted) throw error
  })

  // --- quiet: everybody has to come back by itself
  mark('settling')
  say('all faults done; waiting for the clients to be live')
  await settled(followers, applied, driver.heads, numbers['settle-seconds'] * 1_000, interrupted)
  for (const { group } of groups) await group.dismiss()
  const endings = await Promise.all(nodes.map((node) => node.end()))

  // --- the judge
  mark('judging')
  await using store = await openTruthStore(join(directory, 'data'), databaseUrl)
  const truth = await readTruth(store)
  const runs = judgeRuns(truth, driver.accepted, readExecutions(executionsPath), {
    handOverWithinMs: numbers.serial > 0 ? handOverWithinMs : Number.POSITIVE_INFINITY,
    undisturbed: trouble.planned === 0,
  })
  const { verdict, denied } = await judge(truth, followers, {
    excuses: excusesOf(proxy.strikes, trouble.deeds, proxy.dealings, proxy.refusals),
    journals: groups.map(({ order }) => order.journalPath),
  })
  writeFileSync(
    join(directory, 'evidence.json'),
    JSON.stringify({
      strikes: proxy.strikes,
      deeds: trouble.deeds,
      dealings: proxy.dealings,
      refusals: proxy.refusals,
      followers,
    }),
  )
  const sumOf = (count: (index: number) => number): number =>
    nodes.reduce((sum, _, index) => sum + count(index), 0)
  const ends = [...trouble.restarts.filter(({ signal }) => signal === 'SIGTERM'), ...endings]
  const crashes = [...nodes, ...groups.map(({ group }) => group)].reduce((sum, one) => sum + one.crashes, 0)
  const kills = trouble.restarts.filter(({ signal }) => signal === 'SIGKILL').length
  keep ||=
    crashes > 0 || [verdict, runs].some(({ counts }) => Object.values(counts).some((count) => count > 0))
  return {
    plan,
    verdict,
    runs,
    exact: trouble.exact,
    databaseOutages: trouble.databaseOutages,
    busOutages: trouble.busOutages,
    refusedAttempts: sumOf((index) => linesWith(/writes no more/, join(directory, `server-${index}.log`))),
    strikes: countStrikes(proxy),
    kills,
    terms: trouble.restarts.length - kills,
    stops: trouble.stops,
    clientKills: trouble.clientKills,
    crashes,
    uncleanEnds: ends.filter(({ exitCode }) => exitCode !== 0).length,
    termMs: ends.map(({ goneAfterMs }) => goneAfterMs).toSorted((one, other) => one - other),
    restartMs: trouble.restarts.map(({ backAfterMs }) => backAfterMs).toSorted((one, other) => one - other),
    denied,
    serverErrors: sumOf((index) => linesWith(/^.{0,24} error /, join(directory, `server-${index}.log`))),
    seconds: (performance.now() - beganMs) / 1_000,
    phases: phases.map(([name, atMs], index) => {
      const endMs = phases[index + 1]?.[1] ?? performance.now()
      return { name, seconds: (endMs - atMs) / 1_000 }
    }),
    directory: keep ? directory : null,
  }
}

async function prepare(
  directory: string,
  databaseUrl: string | null,
  users: ReturnType<typeof makeUsers>,
): Promise<{ threads: ThreadId[]; epoch: EpochId }> {
  await using store = await openTruthStore(join(directory, 'data'), databaseUrl)
  const owners = users.map(({ userId }) => userId)
  return { threads: await createThreadRows(store, owners, systemIdMaker()), epoch: store.epoch }
}

/** Until every client has applied its thread's head, or the time is up: then the checker says what is missing. */
async function settled(
  followers: readonly Follower[],
  applied: ReadonlyMap<number, number>,
  heads: ReadonlyMap<ThreadId, number>,
  withinMs: number,
  interrupted: AbortSignal,
): Promise<void> {
  const untilMs = performance.now() + withinMs
  const behind = (): boolean =>
    followers.some(({ client, thread }) => (applied.get(client) ?? 0) < (heads.get(thread) ?? 0))
  while (behind() && performance.now() < untilMs && !interrupted.aborted) await sleep(100)
  // `live` follows the last event by a read of the log.
  await sleep(1_000)
}

function countStrikes({ strikes }: FaultProxy): Record<FaultKind, number> {
  const counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>
  for (const { kind } of strikes) counts[kind] += 1
  return counts
}

function linesWith(pattern: RegExp, path: string): number {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => pattern.test(line)).length
}
