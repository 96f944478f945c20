import {
  type ClientFrame,
  type EpochId,
  type Position,
  position,
  type Stream,
  type Subscription,
} from '@holdfast/protocol'
import { HoldfastStreamError } from './errors.ts'
import type { Follower } from './follower.ts'
import type { ReceivedFrame } from './received-frame.ts'

export const streamLimits = {
  /** Events a reader has not taken yet: beyond this the stream is let go of, and asked for again when it has. */
  waitingEvents: 4_096,
} as const

/** All readers of one thread: they share one subscription of the one connection. */
export interface ClientStream {
  readonly followers: Set<Follower>
  /** A reader came, or one found a gap: ask again. */
  refresh(): void
  receive(frame: Extract<ReceivedFrame, { stream: Stream }>, epoch: EpochId): void
  /** A reader took an event. */
  taken(): void
  /** A connection begins: what its hello asks for. */
  resume(): Subscription | null
}

/** @param send does nothing while there is no connection: the next hello asks for all */
export function createStream(stream: Stream, send: (frame: ClientFrame) => void): ClientStream {
  const followers = new Set<Follower>()
  // Until the newest subscription is answered, events of the one before still arrive: gaps in them say nothing.
  let unanswered = 0
  let parked = false

  /** What to ask for so that every reader gets what it lacks; null: nothing now. */
  const subscription = (): Subscription | null => {
    if (followers.size === 0 || parked) return null
    const cursors = [...followers].map(({ applied }) => applied)
    const known = cursors.filter((cursor): cursor is Position => cursor !== 'head')
    const epoch = [...followers].find((follower) => follower.epoch !== null)?.epoch
    return {
      stream,
      after: known.length === 0 ? 'head' : position(Math.min(...known)),
      ...(epoch === null || epoch === undefined ? {} : { epoch }),
    }
  }
  const refresh = (): void => {
    const wanted = subscription()
    if (wanted === null) return
    unanswered += 1
    send({ type: 'sub', ...wanted })
  }

  return {
    followers,
    refresh,
    receive(frame, epoch) {
      switch (frame.type) {
        case 'sub_ok':
          unanswered -= 1
          for (const follower of followers) follower.subscribed(epoch, frame.head)
          return
        case 'sub_err': {
          unanswered -= 1
          const error = new HoldfastStreamError(frame.code, stream)
          for (const follower of followers) follower.fail(error)
          followers.clear()
          return
        }
        case 'ev': {
          const whole = [...followers].map((follower) => follower.offer(frame.items))
          if (unanswered === 0 && whole.includes(false)) refresh()
          if (!parked && [...followers].some(({ waiting }) => waiting > streamLimits.waitingEvents)) {
            // Browsers cannot slow a WebSocket down: the log is the buffer, so leave the rest there.
            parked = true
            send({ type: 'unsub', stream })
          }
          return
        }
        case 'live':
          return
        default:
          frame satisfies never
      }
    },
    taken() {
      if (!parked || [...followers].some(({ waiting }) => waiting > 0)) return
      parked = false
      refresh()
    },
    resume() {
      const wanted = subscription()
      unanswered = wanted === null ? 0 : 1
      return wanted
    },
  }
}
