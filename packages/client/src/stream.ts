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
 * S5  What is asked names one epoch and one place, so the answer judges that reader alone. The others are judged here,
 *     each by its own: one that stands in another log, or ahead of this one, is told so (L6), and the rest go on.
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
import { HoldfastStreamError, type StreamErrorCode } from './errors.ts'
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
  /** What the newest subscription named; what it has brought; what was acknowledged of that. */
  let askedEpoch: EpochId | null = null
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
    askedEpoch = readers.find((follower) => follower.epoch !== null)?.epoch ?? null
    from = lowest(readers)
    asked = true
    withheld = false
    clearTimers()
    return { stream, after: from, ...(askedEpoch === null ? {} : { epoch: askedEpoch }) }
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
  /** @returns how many these are */
  const failWhere = (holds: (follower: Follower) => boolean, code: StreamErrorCode): number => {
    const failed = [...followers].filter(holds)
    for (const follower of failed) {
      followers.delete(follower)
      follower.fail(new HoldfastStreamError(code, stream, snapshotUrl))
    }
    return failed.length
  }
  const fail = (error: Error): void => {
    clearTimers()
    const failed = [...followers]
    followers.clear()
    for (const follower of failed) follower.fail(error)
  }
  const isOf =
    (other: (epoch: EpochId) => boolean) =>
    (follower: Follower): boolean =>
      follower.epoch !== null && other(follower.epoch)
  const subscribed = (epoch: EpochId, head: Position): void => {
    // S5. A place is judged by the newest answer: an earlier one may not have heard of it yet.
    const isNewest = unanswered === 0
    const isElsewhere = isOf((its) => its !== epoch)
    const isAhead = ({ applied }: Follower): boolean => isNewest && applied !== 'head' && applied > head
    failWhere((follower) => isElsewhere(follower) || isAhead(follower), 'epoch_changed')
    for (const follower of followers) follower.subscribed(epoch, head)
    arrived = from === 'head' ? head : from
    acked = arrived
    if (!isNewest) return
    const readers = reading()
    if (readers.length === 0) letGo()
    // Of several questions for the head an earlier one was answered with an earlier head: there its readers stand.
    else if (from === 'head' && readers.some(({ applied }) => applied !== 'head' && applied < head)) refresh()
  }
  const refused = (epoch: EpochId | null): void => {
    const isNewest = unanswered === 0
    const isElsewhere = isOf((its) => (epoch === null ? isNewest && its === askedEpoch : its !== epoch))
    // The epoch was the right one, so the lowest place is ahead of the log, and with it every other that was asked for.
    const isPlace = isNewest && (askedEpoch === null || askedEpoch === epoch)
    const isAhead = ({ applied }: Follower): boolean =>
      isPlace && applied !== 'head' && from !== 'head' && applied >= from
    const failed = failWhere((follower) => isElsewhere(follower) || isAhead(follower), 'epoch_changed')
    if (!isNewest) return
    asked = false
    clearTimers()
    // Asked in a circle otherwise.
    if (failed === 0) fail(new HoldfastStreamError('epoch_changed', stream, snapshotUrl))
    else refresh()
  }

  return {
    followers,
    refresh,
    receive(frame, epoch) {
      switch (frame.type) {
        case 'sub_ok':
          unanswered = Math.max(0, unanswered - 1)
          if (epoch === null) throw new Error(`${stream} was answered before its epoch was said`)
          subscribed(epoch, frame.head)
          return
        case 'sub_err':
          // Also said unasked, when a thread is deleted.
          unanswered = Math.max(0, unanswered - 1)
          if (frame.code === 'epoch_changed') {
            refused(epoch)
            return
          }
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
