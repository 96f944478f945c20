import {
  type ConnectionId,
  HoldfastError,
  limits,
  type NodeId,
  type ServerFrame,
  type Stream,
  type UserId,
} from '@holdfast/protocol'
import type { WebSocket } from 'ws'
import type { Access, Authenticator, Credentials } from '../auth/authenticator.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Place } from './admissions.ts'
import { closeReason, encode, encodeItems } from './frames.ts'
import type { RealtimeLimits } from './limits.ts'
import { PositionInDoubtError } from './pump.ts'
import { readFrame } from './read-frame.ts'
import {
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  type SessionStep,
  type SessionTimer,
  startSession,
  stepSession,
} from './session-state.ts'
import { createSubscriptions, type SubscriptionDeps, type Subscriptions } from './subscriptions.ts'
import type { Item } from './tail.ts'

export interface ConnectionDeps extends Omit<SubscriptionDeps, 'limits'> {
  readonly authenticator: Pick<Authenticator, 'authenticate'>
  readonly node: NodeId
  readonly nowMs: () => number
  /** 0 ≤ x < 1; spreads heartbeats, lifetimes and returns. */
  readonly random: () => number
  readonly limits: RealtimeLimits
  readonly logger: Logger
}

/** Who the handshake showed, and by what; null: nobody yet, a token in `hello` may follow. */
export interface Handshake {
  readonly access: Access | null
  readonly credentials: Credentials
}

export interface Connection {
  /** Announces the drain and leaves after `leaveAfterMs`. */
  drain(leaveWithinMs: number, leaveAfterMs: number): void
  /** Leaves now, with 1012. */
  leave(): void
  /** Something of this user was revoked: looks again at who this is and what may be read, if it is theirs. */
  revoked(userId: UserId): void
}

/** What one WebSocket does from its handshake to its end: what session-state.ts decides, done. */
export function serveConnection(
  socket: WebSocket,
  id: ConnectionId,
  place: Place,
  handshake: Handshake,
  deps: ConnectionDeps,
): Connection {
  const context = () => ({ nowMs: deps.nowMs(), chance: deps.random(), limits: deps.limits })
  const timers = new Map<SessionTimer, () => void>()
  let { credentials } = handshake
  let subscriptions: Subscriptions | null = null
  let userId: UserId | null = null
  /** Somebody's credentials were revoked before it was known whose these are. */
  let doubted = false
  let paused = false
  let state: SessionState = { kind: 'closed' }
  // A function, because a variable that changes during an await is one that control flow analysis misjudges.
  const isClosed = (): boolean => state.kind === 'closed'

  const dispatch = async (event: SessionEvent): Promise<void> => perform(stepSession(state, event, context()))
  const perform = async ({ next, effects }: SessionStep): Promise<void> => {
    const before = state
    state = next
    if (isClosed() && before.kind !== 'closed') end()
    for (const effect of effects) {
      // What was decided before a close is not done after it.
      if (isClosed() && effect.do !== 'close') return
      await act(effect)
    }
  }
  /** From outside the turn of frames: timers, pumps, the server. */
  const tell = (event: SessionEvent): void => void dispatch(event).catch(failed)

  const end = (): void => {
    for (const cancel of timers.values()) cancel()
    timers.clear()
    subscriptions?.stop()
    place.leave()
  }
  const failed = (error: unknown): void => {
    if (isClosed()) return
    const code = failureCode(error)
    if (code !== 1013) deps.logger.error({ err: error, connection: id }, 'connection failed')
    tell({ kind: 'failed', code })
  }

  // --- writing
  const write = (text: string): void => {
    if (!isClosed()) socket.send(text, flushed)
  }
  const send = (frame: ServerFrame): void => write(encode(frame))
  const flushed = (): void => {
    if (!paused) return
    if (socket.bufferedAmount > deps.limits.resumeAtBufferedBytes) subscriptions?.progressed()
    else {
      paused = false
      subscriptions?.resume()
    }
  }
  const outlet = {
    send,
    sendItems(stream: Stream, items: readonly Item[]) {
      for (const frame of encodeItems(stream, items)) write(frame)
    },
    writable() {
      if (!paused && socket.bufferedAmount >= deps.limits.pauseAtBufferedBytes) paused = true
      return !paused
    },
    stalled: () => tell({ kind: 'stalled' }),
    failed,
  }

  // --- doing
  const forget = (timer: SessionTimer): void => {
    timers.get(timer)?.()
    timers.delete(timer)
  }
  const plan = (timer: SessionTimer, inMs: number): void => {
    forget(timer)
    const cancel = deps.schedule(() => {
      timers.delete(timer)
      tell({ kind: timer })
    }, inMs)
    timers.set(timer, cancel)
  }
  const act = (effect: SessionEffect): void | Promise<void> => {
    switch (effect.do) {
      case 'authenticate':
        return identify(effect.auth, effect.instance)
      case 'renew':
        return renew(effect.auth)
      case 'recheck':
        return recheck()
      case 'greet':
        return greet(effect)
      case 'subscribe':
        return subscriptions?.add(effect.subscription)
      case 'unsubscribe':
        return subscriptions?.remove(effect.stream)
      case 'acknowledge':
        return acknowledge(effect)
      case 'ping':
        return send({ type: 'ping', n: effect.n })
      case 'auth_soon':
        return send({ type: 'auth_soon', withinMs: effect.withinMs })
      case 'announce_drain':
        return send({ type: 'drain', leaveWithinMs: effect.leaveWithinMs })
      case 'refuse': {
        const { code, message, ref } = effect
        return send({ type: 'error', code, message, ...(ref === undefined ? {} : { ref }) })
      }
      case 'plan':
        return plan(effect.timer, effect.inMs)
      case 'forget':
        return forget(effect.timer)
      case 'close': {
        socket.close(effect.code, closeReason(effect.reason))
        const cancel = deps.schedule(() => socket.terminate(), deps.limits.closeTimeoutMs)
        socket.once('close', cancel)
        return
      }
      default:
        effect satisfies never
    }
  }
  const identify = async (auth: string | null, instance: string): Promise<void> => {
    if (handshake.access === null && auth !== null) credentials = { bearer: auth, cookie: null }
    // Also what the handshake showed: it may have been revoked since, before anybody knew to tell this connection.
    const access = await admitted(credentials)
    if (access === null) return dispatch({ kind: 'refused' })
    // The socket may have gone meanwhile, and its place with it.
    if (isClosed()) return
    const { principal, endsAtMs } = access
    if (place.sign(principal.userId, instance, () => tell({ kind: 'superseded' })) === 'crowded')
      return dispatch({ kind: 'crowded' })
    userId = principal.userId
    await dispatch({ kind: 'authenticated', principal, expiresAtMs: endsAtMs })
    if (doubted) await recheck()
  }
  /** What a connection does is to read. */
  const admitted = async (shown: Credentials): Promise<Access | null> => {
    const access = await deps.authenticator.authenticate(shown)
    return access?.scopes.includes('read') === true ? access : null
  }
  const renew = async (auth: string): Promise<void> => {
    const renewed = { bearer: auth, cookie: null }
    const access = await admitted(renewed)
    if (access === null) return dispatch({ kind: 'refused' })
    credentials = renewed
    return dispatch({ kind: 'authenticated', principal: access.principal, expiresAtMs: access.endsAtMs })
  }
  const recheck = async (): Promise<void> => {
    const access = await admitted(credentials)
    if (access === null || access.principal.userId !== userId) return dispatch({ kind: 'revoked' })
    await subscriptions?.reauthorise()
  }
  const greet = ({ principal, expiresAtMs, lifetimeMs }: Extract<SessionEffect, { do: 'greet' }>): void => {
    subscriptions = createSubscriptions(principal, deps, outlet)
    send({
      type: 'ready',
      connection: id,
      node: deps.node,
      epoch: deps.epoch,
      user: principal.userId,
      heartbeatMs: deps.limits.heartbeatMs,
      limits: {
        frameBytes: limits.frameBytes,
        subscriptions: limits.subscriptionsPerConnection,
        unacknowledgedItems: deps.limits.unacknowledgedItems,
      },
      authExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
      lifetimeMs,
    })
  }
  const acknowledge = ({
    stream,
    seq,
  }: Extract<SessionEffect, { do: 'acknowledge' }>): void | Promise<void> => {
    const acknowledged = subscriptions?.acknowledge(stream, seq) ?? 'old'
    switch (acknowledged) {
      case 'advanced':
        return
      case 'old':
        return dispatch({ kind: 'idle_frame' })
      case 'ahead':
        return dispatch({ kind: 'bad_frame', why: `${stream} was not sent up to ${seq}`, ref: 'ack' })
      default:
        acknowledged satisfies never
    }
  }

  // --- reading: frames one after the other
  const handle = (data: Parameters<typeof readFrame>[0], isBinary: boolean): Promise<void> => {
    const read = readFrame(data, isBinary)
    if (!read.ok) return dispatch({ kind: 'bad_frame', why: read.why, ref: read.ref })
    const { frame } = read
    if (frame.type === 'hello') return dispatch({ kind: 'hello', frame })
    const { type, ...rest } = frame
    return dispatch({ kind: type, ...rest } as SessionEvent)
  }
  let turn = Promise.resolve()
  let waiting = 0
  socket.on('message', (data, isBinary) => {
    waiting += 1
    // While a frame waits for the database no more are taken from the network: the queue stays one read long.
    socket.pause()
    turn = turn
      .then(() => handle(data, isBinary))
      .catch(failed)
      .finally(() => {
        waiting -= 1
        if (waiting === 0) socket.resume()
      })
  })
  socket.on('close', () => tell({ kind: 'gone' }))
  // ws closes by itself with the right code (1002, 1007, 1009: RFC 6455); what is left is to stop.
  socket.on('error', (error) => {
    deps.logger.warn({ err: error, connection: id }, 'socket error')
    tell({ kind: 'gone' })
  })

  void perform(startSession(context())).catch(failed)
  return {
    drain: (leaveWithinMs, leaveAfterMs) => tell({ kind: 'drain', leaveWithinMs, leaveAfterMs }),
    leave: () => tell({ kind: 'leave_due' }),
    revoked(of) {
      if (userId === null) doubted = true
      else if (userId === of) tell({ kind: 'recheck_due' })
    },
  }
}

function failureCode(error: unknown): 1011 | 1013 | 4010 {
  if (error instanceof PositionInDoubtError) return 4010
  // A store or a log that is stopping: not a bug, and over soon.
  return error instanceof HoldfastError && error.code === 'not_ready' ? 1013 : 1011
}
