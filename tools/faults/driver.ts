import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type HoldfastClient } from '@holdfast/client'
import type { RunId, ThreadId } from '@holdfast/protocol'
import type { NumbersPlan } from './numbers-agent.ts'

export interface DrivenThread {
  readonly thread: ThreadId
  readonly token: string
}

export interface Driver {
  /** Highest head heard of, by thread. */
  readonly heads: ReadonlyMap<ThreadId, number>
  /** Runs that were accepted with 202. */
  readonly accepted: readonly RunId[]
  /** Requests that a fault or a restart spoilt, and that were made again. */
  readonly retried: number
  /** From now on only what each thread lacks is asked for. */
  finish(): void
  /** Every thread has its events and no run under way; rejects when `signal` is aborted. */
  readonly idle: Promise<void>
}

/** A second and a half for one run, in legs: short enough to come through between two deaths of its server. */
export const perRun = { events: 25, legs: 5, pauseMs: 60 } as const
/** What a run writes that nobody interrupts: queued, started, ended, and two for each leg's tool besides its thoughts. */
const eventsPerRun = perRun.events + 2 * perRun.legs + 3
const roundMs = 250
/** A run that its clients have not seen to its end is asked after no more often than this. */
const askEveryMs = 5_000
/** A server that does not answer is asked again: it is frozen or gone. */
const answerWithinMs = 5_000

/**
 * Keeps a run under way in every thread until told to finish, straight at the servers: what is asked is not part of
 * the trial, only what is delivered.
 */
export function drive(
  threads: readonly DrivenThread[],
  options: {
    /** Of the servers that can answer. */
    readonly urls: () => readonly string[]
    readonly plan: NumbersPlan
    /** How much of a thread its clients have applied: a run is not asked after before they have seen its end. */
    readonly applied: (thread: ThreadId) => number
    readonly eventsPerThread: number
    /** Of all threads together, by now: a run is begun only where there are fewer. */
    readonly due: () => number
    /** Runs under way at a time. */
    readonly atOnce: number
    readonly signal: AbortSignal
  },
): Driver {
  const { urls, plan, applied, eventsPerThread, due, atOnce, signal } = options
  const heads = new Map<ThreadId, number>(threads.map(({ thread }) => [thread, 0]))
  const asked = new Map<ThreadId, number>()
  const underWay = new Map<ThreadId, { readonly endsAt: number; askAgainMs: number }>()
  /** Have what they shall have, when no more is asked of them. */
  const done = new Set<ThreadId>()
  const accepted: RunId[] = []
  let retried = 0
  let finishing = false

  const clientOf = (base: string, token: string): HoldfastClient =>
    createClient({
      url: base,
      token,
      fetch: (input, init) =>
        fetch(input, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]) }),
    })
  const behind = (): boolean => [...heads.values()].reduce((sum, head) => sum + head, 0) < due()

  /** true: nothing is left to do. */
  const tend = async ({ thread, token }: DrivenThread, base: string): Promise<boolean> => {
    if (done.has(thread)) return true
    const current = underWay.get(thread)
    if (current === undefined) {
      // Nothing to ask: whether it has enough is known, and there is no place.
      if (!finishing && (underWay.size >= atOnce || !behind())) return false
    } else {
      if (applied(thread) < current.endsAt && performance.now() < current.askAgainMs) return false
      current.askAgainMs = performance.now() + askEveryMs
    }
    const client = clientOf(base, token)
    const { seq, runs } = await client.thread(thread)
    heads.set(thread, Math.max(seq, heads.get(thread) ?? 0))
    if (runs.some(({ status }) => status === 'queued' || status === 'running')) return false
    underWay.delete(thread)
    if (finishing && seq >= eventsPerThread) {
      done.add(thread)
      return true
    }
    if (underWay.size >= atOnce) return false
    const number = asked.get(thread) ?? 0
    const run = await client.submit(
      thread,
      { message: JSON.stringify(plan), files: [], whenBusy: 'queue' },
      { idempotencyKey: `${thread}-${number}` },
    )
    accepted.push(run.id)
    asked.set(thread, number + 1)
    underWay.set(thread, { endsAt: seq + eventsPerRun, askAgainMs: performance.now() + askEveryMs })
    return false
  }
  const run = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted()
      let left = threads.length
      // Who has least comes first when a place is free.
      const order = threads.toSorted(
        (one, other) => (heads.get(one.thread) ?? 0) - (heads.get(other.thread) ?? 0),
      )
      // A few at a time: a round over many threads must not itself be the load.
      for (let at = 0; at < order.length; at += 8) {
        const bases = urls()
        if (bases.length === 0) break
        const outcomes = await Promise.allSettled(
          order
            .slice(at, at + 8)
            .map((one, index) => tend(one, bases[(at / 8 + index) % bases.length] ?? '')),
        )
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') retried += 1
          else if (outcome.value) left -= 1
        }
      }
      if (left === 0) return
      await sleep(roundMs)
    }
  }
  return {
    heads,
    accepted,
    get retried() {
      return retried
    },
    finish() {
      finishing = true
    },
    idle: run(),
  }
}
