import { type After, type EpochId, limits, type Stream } from '@holdfast/protocol'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  dueMs,
  initialState,
} from './connection-state.ts'
import { transition } from './connection-transitions.ts'
import type { Credentials } from './credentials.ts'
import { HoldfastConnectionError } from './errors.ts'
import { createFollower, type FollowerHandle } from './follower.ts'
import type { Platform } from './platform.ts'
import type { ReceivedFrame, StreamItem } from './received-frame.ts'
import { type ClientStream, createStream } from './stream.ts'
import type { Transport, TransportPort } from './transport.ts'

/** Where the one connection stands, for an indicator. */
export type ConnectionStatus =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready' }
  /** No WebSocket can be opened: threads are followed over server-sent events. */
  | { readonly kind: 'fallback' }
  | { readonly kind: 'waiting'; readonly retryInMs: number }
  /** The platform says that there is no network. */
  | { readonly kind: 'offline' }
  | { readonly kind: 'stopped'; readonly closeCode: number }

export interface ConnectionOptions {
  readonly credentials: Credentials
  readonly platform: Platform
  readonly openSocket: (port: TransportPort) => Transport
  /** null: there is nothing to fall back to. */
  readonly openEventStreams: ((port: TransportPort) => Transport) | null
  readonly snapshotUrl: (stream: Stream) => string
  readonly onStatus: (status: ConnectionStatus) => void
}

export interface FollowOptions {
  readonly after: After
  /** Of the log that `after` belongs to, where the caller knows it. */
  readonly epoch: EpochId | null
  readonly signal: AbortSignal | null
  readonly onFollowing?: (() => void) | undefined
}

export interface Connection {
  /** Of a closed connection: a reader that has ended. */
  follow<Item extends StreamItem>(stream: Stream, options: FollowOptions): FollowerHandle<Item>
  readonly closed: boolean
  /** Readers end quietly. Safe twice. */
  close(): void
}

/**
 * One connection for however many readers. It opens with the first of them, comes back after every loss and asks
 * in its first frame for what each reader lacks; the cursors are all there is to remember. What happens when is
 * decided in connection-state.ts.
 */
export function createConnection(options: ConnectionOptions): Connection {
  const { credentials, platform } = options
  const instance = crypto.randomUUID()
  const streams = new Map<Stream, ClientStream>()
  let state = initialState({
    canRenew: credentials.canRenew,
    canFallBack: options.openEventStreams !== null,
  })
  let transport: Transport | null = null
  // Of transports and questions: what an earlier one still has to say is not heard.
  let generation = 0
  // Of the log behind the connection that is open; null until it is said.
  let epoch: EpochId | null = null
  // The token that the server heard last: what it refuses is this one.
  let spoken: string | null = null
  let unwatch: (() => void) | null = null

  // --- events go one after the other, also those that come of an effect
  const queue: ConnectionEvent[] = []
  let running = false
  const dispatch = (event: ConnectionEvent): void => {
    queue.push(event)
    if (running) return
    running = true
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const before = state
        const step = transition(state, next, { nowMs: platform.nowMs(), random: platform.random })
        state = step.state
        for (const effect of step.effects) act(effect)
        arm(next.kind === 'frame')
        tell(before)
      }
    } finally {
      running = false
    }
  }

  // --- the one timer
  let armed: { readonly atMs: number; readonly cancel: () => void } | null = null
  const arm = (isFrame: boolean): void => {
    const atMs = dueMs(state)
    // Each frame moves the deadline of silence: the timer is left to fire early and is set anew then. After anything
    // else it is set anew at once: one that was set before the machine slept fires late by as long as it slept.
    if (isFrame && armed !== null && atMs !== null && armed.atMs <= atMs) return
    armed?.cancel()
    armed = null
    if (atMs === null) return
    const cancel = platform.setTimer(
      () => {
        armed = null
        const now = dueMs(state)
        if (now !== null && platform.nowMs() >= now) dispatch({ kind: 'due' })
        else arm(false)
      },
      Math.max(0, atMs - platform.nowMs()),
    )
    armed = { atMs, cancel }
  }
  const tell = (before: ConnectionState): void => {
    if (before.kind === state.kind) return
    const is = statusOf(state, platform)
    if (statusOf(before, platform).kind !== is.kind) options.onStatus(is)
  }

  // --- effects
  const portOf = (mine: number): TransportPort => {
    const current =
      <Rest extends readonly unknown[]>(task: (...rest: Rest) => void) =>
      (...rest: Rest): void => {
        if (mine === generation) task(...rest)
      }
    return {
      opened: current(() => dispatch({ kind: 'opened' })),
      alive: current(() => dispatch({ kind: 'frame' })),
      epoch: current((now) => {
        epoch = now
      }),
      frame: current(receive),
      lost: current((code, reason) => dispatch({ kind: 'lost', code, reason })),
    }
  }
  /** For the token: then go on, unless something else has happened since. */
  const withToken = (token: Promise<string | null>, task: (token: string | null) => void): void => {
    const mine = generation
    token.then(
      (value) => {
        if (mine === generation) task(value)
      },
      (cause: unknown) => {
        if (mine !== generation) return
        // fetch says so when the network is away, as it may be in a machine that just woke up.
        if (cause instanceof TypeError) dispatch({ kind: 'lost', code: 1006, reason: '' })
        else dispatch({ kind: 'token_refused', cause })
      },
    )
  }
  const greet = (token: string | null): void => {
    const all = [...streams.values()]
    const greeted = all.slice(0, limits.subscriptionsPerConnection)
    transport?.send({
      type: 'hello',
      instance,
      ...(token === null ? {} : { auth: token }),
      subs: greeted.flatMap((stream) => stream.resume() ?? []),
    })
    // hello holds no more; the server answers the rest with `limit`, and their readers learn it.
    for (const stream of all.slice(greeted.length)) stream.refresh()
  }
  const act = (effect: ConnectionEffect): void => {
    switch (effect.kind) {
      case 'open':
        generation += 1
        epoch = null
        withToken(credentials.current(), (token) => {
          spoken = token
          dispatch({ kind: 'token' })
          try {
            transport = options.openSocket(portOf(generation))
          } catch {
            // A platform without WebSockets, or one that refuses this address: nothing will be heard of it.
            dispatch({ kind: 'lost', code: 1006, reason: '' })
          }
        })
        return
      case 'greet':
        greet(spoken)
        return
      case 'drop':
        generation += 1
        transport?.close(effect.code)
        transport = null
        return
      case 'probe':
        for (const stream of streams.values()) {
          // One answer is enough. Where nobody reads nothing is asked, and the connection is given up.
          if ([...stream.followers].every(({ paused }) => paused)) continue
          stream.refresh()
          return
        }
        return
      case 'renew':
        withToken(credentials.renew(spoken), () => dispatch({ kind: 'token' }))
        return
      case 'fall_back':
        generation += 1
        epoch = null
        transport = options.openEventStreams?.(portOf(generation)) ?? null
        greet(null)
        return
      case 'reset':
        for (const stream of streams.values()) stream.doubt()
        return
      case 'fail': {
        const { closeCode, reason, cause } = effect
        const error = new HoldfastConnectionError(closeCode, reason, cause === null ? {} : { cause })
        const failed = [...streams.values()]
        streams.clear()
        for (const stream of failed) stream.fail(error)
        return
      }
      default:
        effect satisfies never
    }
  }

  const receive = (frame: ReceivedFrame): void => {
    switch (frame.type) {
      case 'ready':
        dispatch({ kind: 'ready' })
        return
      case 'ping':
        transport?.send({ type: 'pong', n: frame.n })
        return
      case 'sub_ok':
      case 'sub_err':
      case 'items':
      case 'live':
        // An answer before `ready`: not this protocol.
        if (frame.type === 'sub_ok' && epoch === null) dispatch({ kind: 'lost', code: 1007, reason: '' })
        else streams.get(frame.stream)?.receive(frame, epoch)
        return
      case 'drain':
        dispatch({ kind: 'drain', leaveWithinMs: frame.leaveWithinMs })
        return
      case 'auth_soon':
        renewInBand()
        return
      case 'error':
        // Before `ready` it is the hello that was not understood, and nothing more will come.
        if (state.kind === 'greeting') dispatch({ kind: 'lost', code: 4526, reason: frame.message })
        // Else it tells of a frame that was ignored; the third one ends the connection with a code.
        return
      default:
        frame satisfies never
    }
  }
  const renewInBand = (): void => {
    if (!credentials.canRenew) return
    const mine = generation
    credentials.renew(spoken).then(
      (auth) => {
        if (mine !== generation || auth === null) return
        spoken = auth
        transport?.send({ type: 'auth', auth })
      },
      // The old token is still good. The close that comes with its end (4001) asks once more, and that one is told.
      () => {},
    )
  }
  const send: Transport['send'] = (frame) => {
    // Before its hello a connection takes nothing, and hello asks for everything.
    if (state.kind !== 'connecting') transport?.send(frame)
  }

  return {
    follow<Item extends StreamItem>(
      stream: Stream,
      { after, epoch: known, signal, onFollowing }: FollowOptions,
    ) {
      const shared =
        streams.get(stream) ??
        createStream(stream, { send, setTimer: platform.setTimer, snapshotUrl: options.snapshotUrl(stream) })
      streams.set(stream, shared)
      const follower = createFollower<Item>({
        after,
        epoch: known,
        signal,
        onFollowing,
        onTaken: shared.taken,
        onRoom: shared.room,
        onEnd() {
          shared.left(follower)
          if (shared.followers.size > 0 || streams.get(stream) !== shared) return
          streams.delete(stream)
          if (streams.size === 0) dispatch({ kind: 'unwanted' })
        },
      })
      shared.followers.add(follower)
      // A signal that was aborted before says so no more, and neither does a connection that was closed.
      if (signal?.aborted === true || state.kind === 'closed') {
        follower.end()
        return follower
      }
      unwatch ??= platform.watch((kind) => dispatch({ kind }))
      shared.refresh()
      dispatch({ kind: 'wanted' })
      return follower
    },
    get closed() {
      return state.kind === 'closed'
    },
    close() {
      unwatch?.()
      unwatch = null
      dispatch({ kind: 'close' })
      for (const stream of [...streams.values()]) stream.end()
      streams.clear()
    },
  }
}

function statusOf(state: ConnectionState, { nowMs }: Pick<Platform, 'nowMs'>): ConnectionStatus {
  switch (state.kind) {
    case 'renewing':
    case 'connecting':
    case 'greeting':
      return { kind: 'connecting' }
    case 'ready':
    case 'probing':
      return { kind: 'ready' }
    case 'waiting':
      return { kind: 'waiting', retryInMs: Math.max(0, state.dueMs - nowMs()) }
    case 'stopped':
      return { kind: 'stopped', closeCode: state.closeCode }
    case 'idle':
    case 'closed':
      return { kind: 'idle' }
    case 'offline':
    case 'fallback':
      return { kind: state.kind }
    default:
      return state satisfies never
  }
}
