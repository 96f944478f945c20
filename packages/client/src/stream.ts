/**
 * All readers of one stream share one subscription of the one connection.
 *
 * S1  It asks from the lowest cursor of those who read. Higher ones drop what they have (F1).
 * S2  It acknowledges what arrived while a reader has room: at most once a second or every 64 items. When all are
 *     crowded it does not, and the server stops at the end of its window; no command is spent on that.
 * S3  A reader that stands still is paused before the server gives the connection up (limits.progressWithinMs),
 *     and one that is full at once. It is asked for again at its cursor. With nobody left reading, the stream is
 *     let go of: browsers cannot slow a WebSocket down, and the log is the buffer.
 * S4  While the newest subscription is unanswered, events of the one before still arrive: gaps in them say nothing.
 */
import {
  type ClientFrame,
  type EpochId,
  type Position,
  position,
  type Stream,
  type Subscription,
  start,
} from '@holdfast/protocol'
import { HoldfastStreamError } from './errors.ts'
import type { Follower } from './follower.ts'
import type { ReceivedFrame } from './received-frame.ts'

export const streamLimits = {
  ackItems: 64,
  ackMs: 1_000,
  /** Well under the 30 s after which the server takes a stream without progress for dead. */
  stallMs: 10_000,
} as const

export interface ClientStream {
  readonly followers: Set<Follower>
  /** A reader came, or the answer to this tells that the connection lives. */
  refresh(): void
  /** @param epoch null: not known yet, as when the first thing a server says is no */
  receive(frame: Extract<ReceivedFrame, { stream: Stream }>, epoch: EpochId | null): void
  /** A reader took something; it has room again; it left. */
  taken(): void
  room(): void
  left(follower: Follower): void
  /** A connection begins: what its hello asks for. */
  resume(): Subscription | null
  /** The server doubts the places of its readers. */
  doubt(): void
  /** Its readers throw this after all that they have applied. */
  fail(error: Error): void
  /** Its readers end quietly. */
  end(): void
}

export interface StreamPort {
  /** Does nothing while there is no connection: the next hello asks for all. */
  readonly send: (frame: ClientFrame) => void
  readonly setTimer: (task: () => void, delayMs: number) => () => void
  readonly snapshotUrl: string
}

export function createStream(stream: Stream, { send, setTimer, snapshotUrl }: StreamPort): ClientStream {
  const followers = new Set<Follower>()
  let unanswered = 0
  /** Subscribed, or about to be with the next hello. */
  let asked = false
  /** What the newest subscription began after; what it has brought; what was acknowledged of that. */
  let from: Position | 'head' = 'head'
  let arrived: Position = start
  let acked: Position = start
  let withheld = false
  let progress = false
  let cancelAck: (() => void) | null = null
  let cancelStall: (() => void) | null = null

  const reading = (): readonly Follower[] => [...followers].filter(({ paused }) => !paused)
  const lowest = (readers: readonly Follower[]): Position | 'head' => {
    const known = readers.flatMap(({ applied }) => (applied === 'head' ? [] : [applied]))
    return known.length === 0 ? 'head' : position(Math.min(...known))
  }
  const clearTimers = (): void => {
    cancelAck?.()
    cancelStall?.()
    cancelAck = null
    cancelStall = null
  }
  /** What to ask for so that every reader gets what it lacks; null: nothing now. */
  const subscription = (): Subscription | null => {
    const readers = reading()
    if (readers.length === 0) return null
    const epoch = readers.find((follower) => follower.epoch !== null)?.epoch
    from = lowest(readers)
    asked = true
    withheld = false
    clearTimers()
    return { stream, after: from, ...(epoch === null || epoch === undefined ? {} : { epoch }) }
  }
  const refresh = (): void => {
    const wanted = subscription()
    if (wanted === null) return
    unanswered += 1
    send({ type: 'sub', ...wanted })
  }
  const letGo = (): void => {
    if (!asked) return
    asked = false
    clearTimers()
    send({ type: 'unsub', stream })
  }

  const acknowledge = (): void => {
    cancelAck?.()
    cancelAck = null
    if (!asked || unanswered > 0 || arrived <= acked) return
    withheld = reading().every(({ crowded }) => crowded)
    if (withheld) {
      watchStall()
      return
    }
    acked = arrived
    send({ type: 'ack', stream, seq: acked })
  }
  const watchStall = (): void => {
    if (cancelStall !== null) return
    progress = false
    cancelStall = setTimer(() => {
      cancelStall = null
      if (!withheld) return
      if (progress) {
        watchStall()
        return
      }
      for (const follower of reading()) follower.pause()
      letGo()
    }, streamLimits.stallMs)
  }
  const settle = (gap: boolean, paused: boolean): void => {
    // S4
    if (unanswered > 0) return
    const readers = reading()
    const next = lowest(readers)
    if (readers.length === 0) letGo()
    // Also when the one who lagged behind has paused: the others need not be told again what they have.
    else if (gap || (paused && next !== 'head' && next > arrived)) refresh()
    else if (arrived - acked >= streamLimits.ackItems) acknowledge()
    else if (arrived > acked) cancelAck ??= setTimer(acknowledge, streamLimits.ackMs)
  }
  const fail = (error: Error): void => {
    clearTimers()
    const failed = [...followers]
    followers.clear()
    for (const follower of failed) follower.fail(error)
  }

  return {
    followers,
    refresh,
    receive(frame, epoch) {
      switch (frame.type) {
        case 'sub_ok':
          unanswered = Math.max(0, unanswered - 1)
          if (epoch === null) throw new Error(`${stream} was answered before its epoch was said`)
          for (const follower of followers) follower.subscribed(epoch, frame.head)
          arrived = from === 'head' ? frame.head : from
          acked = arrived
          return
        case 'sub_err':
          // Also said unasked, when a thread is deleted.
          unanswered = Math.max(0, unanswered - 1)
          asked = false
          fail(new HoldfastStreamError(frame.code, stream, snapshotUrl))
          return
        case 'items': {
          const before = reading()
          const whole = before.map((follower) => follower.offer(frame.items, frame.chars))
          arrived = frame.items.at(-1)?.seq ?? arrived
          settle(
            whole.includes(false),
            before.some(({ paused }) => paused),
          )
          return
        }
        case 'live':
          return
        default:
          frame satisfies never
      }
    },
    taken() {
      progress = true
      if (withheld) acknowledge()
    },
    room: refresh,
    left(follower) {
      followers.delete(follower)
      if (reading().length === 0) letGo()
    },
    resume() {
      asked = false
      const wanted = subscription()
      unanswered = wanted === null ? 0 : 1
      return wanted
    },
    fail,
    doubt() {
      // A reader without a place has nothing that could be in doubt.
      if ([...followers].every(({ applied }) => applied === 'head' || applied === start)) return
      fail(new HoldfastStreamError('position_in_doubt', stream, snapshotUrl))
    },
    end() {
      clearTimers()
      for (const follower of [...followers]) follower.end()
    },
  }
}
