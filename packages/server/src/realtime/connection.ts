import {
  type ConnectionId,
  HoldfastError,
  limits,
  type NodeId,
  type ServerFrame,
  type Stream,
  type UserId,
} from '@holdfast/protocol'
import type { RawData, WebSocket } from 'ws'
import type { Access, Authenticator, Credentials } from '../auth/authenticator.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Outlet } from './active-subscription.ts'
import type { Place } from './admissions.ts'
import { closeReason, encode, encodeItems } from './frames.ts'
import type { RealtimeLimits } from './limits.ts'
import { merged } from './merged.ts'
import { PositionInDoubtError } from './pump.ts'
import { readFrame } from './read-frame.ts'
import { SessionCredentials } from './session-credentials.ts'
import type {
  SessionContext,
  SessionEffect,
  SessionEvent,
  SessionState,
  SessionStep,
  SessionTimer,
} from './session-state.ts'
import { startSession, stepSession } from './session-transitions.ts'
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

/** What one WebSocket does from its handshake to its end: what session-transitions.ts decides, done. */
export function serveConnection(
  socket: WebSocket,
  id: ConnectionId,
  place: Place,
  handshake: Handshake,
  deps: ConnectionDeps,
): Connection {
  return new SocketConnection(socket, id, place, handshake, deps)
}

/** A class, because there are thousands of them: a closure each for what they do would take as much as they hold. */
class SocketConnection implements Connection, Outlet {
  readonly #socket: WebSocket
  readonly #id: ConnectionId
  readonly #place: Place
  readonly #deps: ConnectionDeps
  /** The handshake showed who it is. */
  readonly #known: boolean
  readonly #timers = new Map<SessionTimer, () => void>()
  readonly #credentials: SessionCredentials
  #subscriptions: Subscriptions | null = null
  /** Made when it is first needed. Each asks for every thread that is followed: what comes at once is looked at once. */
  #recheck: (() => Promise<void>) | null = null
  #paused = false
  #state: SessionState = { kind: 'closed' }
  /** Frames are read one after the other. */
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(
    socket: WebSocket,
    id: ConnectionId,
    place: Place,
    { access, credentials }: Handshake,
    deps: ConnectionDeps,
  ) {
    this.#socket = socket
    this.#id = id
    this.#place = place
    this.#deps = deps
    this.#known = access !== null
    this.#credentials = new SessionCredentials(credentials, deps.authenticator)
    socket.on('message', (data, isBinary) => this.#received(data, isBinary))
    // S3: ws answers them by itself, but they are not for nothing.
    const idle = (): void => this.#tell({ kind: 'idle_frame' })
    socket.on('ping', idle)
    socket.on('pong', idle)
    socket.on('close', () => this.#tell({ kind: 'gone' }))
    // ws closes by itself with the right code (1002, 1007, 1009: RFC 6455); what is left is to stop.
    socket.on('error', (error) => {
      deps.logger.warn({ err: error, connection: id }, 'socket error')
      this.#tell({ kind: 'gone' })
    })
    void this.#perform(startSession(this.#context())).catch((error: unknown) => this.failed(error))
  }

  drain(leaveWithinMs: number, leaveAfterMs: number): void {
    this.#tell({ kind: 'drain', leaveWithinMs, leaveAfterMs })
  }

  leave(): void {
    this.#tell({ kind: 'leave_due' })
  }

  revoked(of: UserId): void {
    if (this.#credentials.revoked(of)) this.#tell({ kind: 'recheck_due' })
  }

  // --- writing, as subscriptions see it
  send(frame: ServerFrame): void {
    this.#write(encode(frame))
  }

  sendItems(stream: Stream, items: readonly Item[]): void {
    for (const frame of encodeItems(stream, items)) this.#write(frame)
  }

  writable(): boolean {
    if (!this.#paused && this.#socket.bufferedAmount >= this.#deps.limits.pauseAtBufferedBytes)
      this.#paused = true
    return !this.#paused
  }

  stalled(): void {
    this.#tell({ kind: 'stalled' })
  }

  failed(error: unknown): void {
    if (this.#isClosed()) return
    const code = failureCode(error)
    if (code !== 1013) this.#deps.logger.error({ err: error, connection: this.#id }, 'connection failed')
    this.#tell({ kind: 'failed', code })
  }

  #write(text: string): void {
    if (!this.#isClosed()) this.#socket.send(text, () => this.#flushed())
  }

  #flushed(): void {
    if (!this.#paused) return
    if (this.#socket.bufferedAmount > this.#deps.limits.resumeAtBufferedBytes)
      this.#subscriptions?.progressed()
    else {
      this.#paused = false
      this.#subscriptions?.resume()
    }
  }

  // --- deciding
  // A method, because a field that changes during an await is one that control flow analysis misjudges.
  #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }

  #context(): SessionContext {
    const { nowMs, random, limits: bounds } = this.#deps
    return { nowMs: nowMs(), chance: random(), listening: this.#waiting === 0, limits: bounds }
  }

  async #dispatch(event: SessionEvent): Promise<void> {
    await this.#perform(stepSession(this.#state, event, this.#context()))
  }

  async #perform({ next, effects }: SessionStep): Promise<void> {
    const before = this.#state
    this.#state = next
    if (this.#isClosed() && before.kind !== 'closed') this.#end()
    for (const effect of effects) {
      // What was decided before a close is not done after it.
      if (this.#isClosed() && effect.do !== 'close') return
      await this.#act(effect)
    }
  }

  /** From outside the turn of frames: timers, pumps, the server. */
  #tell(event: SessionEvent): void {
    void this.#dispatch(event).catch((error: unknown) => this.failed(error))
  }

  #end(): void {
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#subscriptions?.stop()
    this.#place.leave()
  }

  // --- doing
  #act(effect: SessionEffect): void | Promise<void> {
    switch (effect.do) {
      case 'authenticate':
        return this.#identify(effect.auth, effect.instance)
      case 'renew':
        return this.#renew(effect.auth)
      case 'recheck':
        this.#recheck ??= merged(() => this.#lookAgain())
        return this.#recheck()
      case 'greet':
        return this.#greet(effect)
      case 'subscribe':
        return this.#subscriptions?.add(...effect.subscriptions)
      case 'unsubscribe':
        return this.#subscriptions?.remove(effect.stream)
      case 'acknowledge':
        return this.#acknowledge(effect)
      case 'ping':
        return this.send({ type: 'ping', n: effect.n })
      case 'auth_soon':
        return this.send({ type: 'auth_soon', withinMs: effect.withinMs })
      case 'announce_drain':
        return this.send({ type: 'drain', leaveWithinMs: effect.leaveWithinMs })
      case 'refuse': {
        const { code, message, ref } = effect
        return this.send({ type: 'error', code, message, ...(ref === undefined ? {} : { ref }) })
      }
      case 'plan':
        return this.#plan(effect.timer, effect.inMs)
      case 'forget':
        return this.#forget(effect.timer)
      case 'close': {
        this.#socket.close(effect.code, closeReason(effect.reason))
        const { schedule, limits: bounds } = this.#deps
        const cancel = schedule(() => this.#socket.terminate(), bounds.closeTimeoutMs)
        this.#socket.once('close', cancel)
        return
      }
      default:
        effect satisfies never
    }
  }

  #plan(timer: SessionTimer, inMs: number): void {
    this.#forget(timer)
    const cancel = this.#deps.schedule(() => {
      this.#timers.delete(timer)
      this.#tell({ kind: timer })
    }, inMs)
    this.#timers.set(timer, cancel)
  }

  #forget(timer: SessionTimer): void {
    this.#timers.get(timer)?.()
    this.#timers.delete(timer)
  }

  #identify(auth: string | null, instance: string): Promise<void> {
    return this.#credentials.identify(this.#known ? null : auth, (access) => {
      if (access === null) return this.#dispatch({ kind: 'refused' })
      // The socket may have gone meanwhile, and its place with it.
      if (this.#isClosed()) return
      const { userId } = access.principal
      const signed = this.#place.sign(userId, instance, () => this.#tell({ kind: 'superseded' }))
      return signed === 'crowded' ? this.#dispatch({ kind: 'crowded' }) : this.#authenticated(access)
    })
  }

  #renew(auth: string): Promise<void> {
    return this.#credentials.renew(auth, (access) =>
      access === null ? this.#dispatch({ kind: 'refused' }) : this.#authenticated(access),
    )
  }

  #authenticated({ principal, endsAtMs }: Access): Promise<void> {
    return this.#dispatch({ kind: 'authenticated', principal, expiresAtMs: endsAtMs })
  }

  async #lookAgain(): Promise<void> {
    if (await this.#credentials.stillGood()) await this.#subscriptions?.reauthorise()
    else await this.#dispatch({ kind: 'revoked' })
  }

  #greet({ principal, expiresAtMs, lifetimeMs }: Extract<SessionEffect, { do: 'greet' }>): void {
    const { node, epoch, limits: bounds } = this.#deps
    this.#subscriptions = createSubscriptions(principal, this.#deps, this)
    this.send({
      type: 'ready',
      connection: this.#id,
      node,
      epoch,
      user: principal.userId,
      heartbeatMs: bounds.heartbeatMs,
      limits: {
        frameBytes: limits.frameBytes,
        subscriptions: limits.subscriptionsPerConnection,
        unacknowledgedItems: bounds.unacknowledgedItems,
      },
      authExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
      lifetimeMs,
    })
  }

  #acknowledge({ stream, seq }: Extract<SessionEffect, { do: 'acknowledge' }>): void | Promise<void> {
    const acknowledged = this.#subscriptions?.acknowledge(stream, seq) ?? 'old'
    switch (acknowledged) {
      case 'advanced':
        return this.#dispatch({ kind: 'advanced' })
      case 'old':
        return this.#dispatch({ kind: 'idle_frame' })
      case 'ahead':
        return this.#dispatch({ kind: 'bad_frame', why: `${stream} was not sent up to ${seq}`, ref: 'ack' })
      default:
        acknowledged satisfies never
    }
  }

  // --- reading
  #received(data: RawData, isBinary: boolean): void {
    // S2: ws goes on reading until the other side has closed, too.
    if (this.#isClosed()) return
    this.#waiting += 1
    // While a frame waits for the database no more are taken from the network: the queue stays one read long.
    this.#socket.pause()
    this.#turn = this.#turn
      .then(() => this.#handle(data, isBinary))
      .catch((error: unknown) => this.failed(error))
      .finally(() => {
        this.#waiting -= 1
        if (this.#waiting === 0) this.#socket.resume()
      })
  }

  async #handle(data: RawData, isBinary: boolean): Promise<void> {
    if (this.#isClosed()) return
    const read = readFrame(data, isBinary)
    if (!read.ok) return this.#dispatch({ kind: 'bad_frame', why: read.why, ref: read.ref })
    const { frame } = read
    if (frame.type === 'hello') return this.#dispatch({ kind: 'hello', frame })
    const { type, ...rest } = frame
    return this.#dispatch({ kind: type, ...rest } as SessionEvent)
  }
}

function failureCode(error: unknown): 1011 | 1013 | 4010 {
  if (error instanceof PositionInDoubtError) return 4010
  // A store or a log that is stopping: not a bug, and over soon.
  return error instanceof HoldfastError && error.code === 'not_ready' ? 1013 : 1011
}
