/**
 * A process with some of a bench's clients. Its parent sends LoadOrder and then commands, one at a time; it answers
 * each with one report. Ends with its parent.
 */
import { sharedNowMs } from '../clock.ts'
import { type Receiver, type ReceiverName, receiverOf } from './receiver.ts'

export interface LoadOrder {
  readonly receiver: ReceiverName
  readonly urls: readonly string[]
  readonly users: readonly { readonly user: number; readonly token: string; readonly thread: string | null }[]
}

export type LoadCommand =
  | { readonly kind: 'connect'; readonly order: LoadOrder }
  /** Every user asks for one run of so many events, all at the same moment. */
  | { readonly kind: 'burst'; readonly events: number }
  /** Every user asks for run after run of one event until the time is over. */
  | { readonly kind: 'loop'; readonly ms: number }
  /** The first user connects anew and asks for so many events that it lacks. */
  | { readonly kind: 'replay'; readonly events: number }
  /** Waits until every user that is connected has become live once more than before. */
  | { readonly kind: 'live_again'; readonly withinMs: number }

export interface LoadReport {
  readonly beganAtMs: number
  readonly endedAtMs: number
  /** burst: an event's way here; live_again: when each user was live again; replay: how long, none where it cannot. */
  readonly samples: Float64Array
  /** loop: from a run's submission to its start, and to its end. */
  readonly startedMs: Float64Array
  readonly endedMs: Float64Array
  readonly bytes: number
  /** What this process took of a core, and how busy its event loop was, over the time between the two. */
  readonly cpuSeconds: number
  readonly loopShare: number
}

/** A storm of handshakes is another measurement. */
const connectAtOnce = 25

let receivers: readonly Receiver[] = []
let bytes = 0
const liveCounts: number[] = []
let onLive = (_index: number): void => {}

async function connect({ receiver, urls, users }: LoadOrder): Promise<void> {
  const open = await receiverOf(receiver)
  const all: Receiver[] = []
  for (let from = 0; from < users.length; from += connectAtOnce)
    all.push(
      ...(await Promise.all(
        users.slice(from, from + connectAtOnce).map(({ user, token, thread }, offset) =>
          open({
            url: urls[user % urls.length] ?? '',
            token,
            user,
            thread,
            received: (count) => {
              bytes += count
            },
            live: () => {
              const index = from + offset
              liveCounts[index] = (liveCounts[index] ?? 0) + 1
              onLive(index)
            },
          }),
        ),
      )),
    )
  receivers = all
}

/** What one command takes, told from outside of it. */
async function measured(
  work: () => Promise<Partial<Pick<LoadReport, 'samples' | 'startedMs' | 'endedMs' | 'endedAtMs'>>>,
): Promise<LoadReport> {
  bytes = 0
  const cpuBefore = process.cpuUsage()
  const loopBefore = performance.eventLoopUtilization()
  const beganAtMs = sharedNowMs()
  const found = await work()
  const endedAtMs = sharedNowMs()
  const { user, system } = process.cpuUsage(cpuBefore)
  const none = new Float64Array()
  return {
    beganAtMs,
    endedAtMs,
    samples: none,
    startedMs: none,
    endedMs: none,
    bytes,
    cpuSeconds: (user + system) / 1e6,
    loopShare: performance.eventLoopUtilization(loopBefore).utilization,
    ...found,
  }
}

async function burst(events: number) {
  const samples = new Float64Array(events * receivers.length)
  let count = 0
  let endedAtMs = 0
  const event = (madeAtMs: number): void => {
    endedAtMs = sharedNowMs()
    samples[count] = endedAtMs - madeAtMs
    count += 1
  }
  await Promise.all(receivers.map((receiver) => receiver.run(events, { event })))
  if (count !== samples.length) throw new Error(`${count} of ${samples.length} events arrived`)
  // With the last event: how a contender says that a run is over is not what is measured.
  return { samples, endedAtMs }
}

async function loop(ms: number) {
  const startedMs: number[] = []
  const endedMs: number[] = []
  const until = sharedNowMs() + ms
  await Promise.all(
    receivers.map(async (receiver) => {
      for (let began = sharedNowMs(); began < until; began = sharedNowMs()) {
        let started = 0
        await receiver.run(1, {
          event: () => {},
          started: (atMs = sharedNowMs()) => {
            started = atMs - began
          },
        })
        startedMs.push(started)
        endedMs.push(sharedNowMs() - began)
      }
    }),
  )
  return { startedMs: Float64Array.from(startedMs), endedMs: Float64Array.from(endedMs) }
}

async function liveAgain(withinMs: number) {
  const before = [...liveCounts]
  const samples: number[] = []
  const waiting = new Set(before.keys())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = setTimeout(
    () =>
      reject(new Error(`${waiting.size} of ${before.length} clients were not live again in ${withinMs} ms`)),
    withinMs,
  )
  onLive = (index) => {
    if (!waiting.delete(index)) return
    samples.push(sharedNowMs())
    if (waiting.size === 0) resolve()
  }
  await promise
  clearTimeout(late)
  onLive = () => {}
  return { samples: Float64Array.from(samples) }
}

function carryOut(command: LoadCommand): Promise<LoadReport> {
  switch (command.kind) {
    case 'connect':
      return measured(async () => {
        await connect(command.order)
        return {}
      })
    case 'burst':
      return measured(() => burst(command.events))
    case 'loop':
      return measured(() => loop(command.ms))
    case 'replay':
      return measured(async () => {
        const took = await receivers[0]?.replay?.(command.events)
        return took === undefined ? {} : { samples: Float64Array.of(took) }
      })
    case 'live_again':
      return measured(() => liveAgain(command.withinMs))
    default:
      return command satisfies never
  }
}

process.on('message', (command) => {
  carryOut(command as LoadCommand).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.once('disconnect', () => process.exit(0))
