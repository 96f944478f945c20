import {
  ClientFrame,
  type CloseCode,
  type ConnectionId,
  type EpochId,
  limits,
  type NodeId,
  type ServerFrame,
} from '@holdfast/protocol'
import type { RawData, WebSocket } from 'ws'
import { z } from 'zod'
import type { Authenticator } from '../auth/authenticator.ts'
import type { Principal } from '../principal.ts'
import type { Logger } from '../telemetry/logger.ts'
import { closeReason, encode, encodeEvents } from './frames.ts'
import type { RealtimeLimits } from './limits.ts'
import type { Schedule } from './schedule.ts'
import { createSubscriptions, type SubscriptionDeps, type Subscriptions } from './subscriptions.ts'

export interface ConnectionDeps extends SubscriptionDeps {
  readonly authenticator: Pick<Authenticator, 'authenticate'>
  readonly node: NodeId
  readonly epoch: EpochId
  readonly schedule: Schedule
  /** 0 ≤ x < 1; spreads the heartbeats. */
  readonly random: () => number
  readonly limits: RealtimeLimits
  readonly logger: Logger
}

/** Greeted: who asks is known and follows streams. */
type Session =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'open'; readonly subscriptions: Subscriptions }
  | { readonly kind: 'closed' }

/** What one WebSocket does from its handshake to its end. `principal` is null where the handshake carried nothing. */
export function serveConnection(
  socket: WebSocket,
  id: ConnectionId,
  principal: Principal | null,
  deps: ConnectionDeps,
): { close(code: CloseCode, reason: { readonly r: string; readonly ms?: number }): void } {
  let session: Session = { kind: 'waiting' }
  const current = (): Session => session
  let badFrames = 0
  let paused = false
  const cancels = new Set<() => void>()

  const later = (task: () => void, delayMs: number): (() => void) => {
    const cancel = deps.schedule(() => {
      cancels.delete(cancel)
      task()
    }, delayMs)
    cancels.add(cancel)
    return () => {
      cancels.delete(cancel)
      cancel()
    }
  }
  const close = (code: CloseCode, reason: { readonly r: string; readonly ms?: number }): void => {
    end()
    socket.close(code, closeReason(reason))
    const cancel = deps.schedule(() => socket.terminate(), deps.limits.closeTimeoutMs)
    socket.once('close', cancel)
  }
  const end = (): void => {
    if (session.kind === 'open') session.subscriptions.stop()
    session = { kind: 'closed' }
    for (const cancel of cancels) cancel()
    cancels.clear()
  }
  const failed = (error: unknown): void => {
    if (session.kind === 'closed') return
    deps.logger.error({ err: error, connection: id }, 'connection failed')
    close(1011, { r: 'server_error' })
  }

  const write = (text: string): void => {
    if (session.kind === 'closed') return
    socket.send(text, flushed)
  }
  const flushed = (): void => {
    if (!paused || socket.bufferedAmount > deps.limits.resumeAtBufferedBytes) return
    paused = false
    if (session.kind === 'open') session.subscriptions.resume()
  }
  const send = (frame: ServerFrame): void => write(encode(frame))
  const outlet = {
    send,
    sendEvents(stream: Parameters<typeof encodeEvents>[0], events: Parameters<typeof encodeEvents>[1]) {
      for (const frame of encodeEvents(stream, events)) write(frame)
    },
    writable() {
      if (!paused && socket.bufferedAmount >= deps.limits.pauseAtBufferedBytes) paused = true
      return !paused
    },
    failed,
  }

  const refuseFrame = (message: string): void => {
    badFrames += 1
    if (badFrames >= deps.limits.badFrames) close(4500, { r: 'bad_frames' })
    else send({ type: 'error', code: 'bad_request', message })
  }

  // --- heartbeat
  let pings = 0
  let cancelPongDeadline: (() => void) | null = null
  const planPing = (): void => {
    later(
      () => {
        pings += 1
        send({ type: 'ping', n: pings })
        cancelPongDeadline = later(() => close(4008, { r: 'no_pong' }), deps.limits.pongWithinMs)
        planPing()
      },
      deps.limits.heartbeatMs * (0.8 + 0.4 * deps.random()),
    )
  }

  // --- frames, one after the other
  const greet = async (hello: Extract<ClientFrame, { type: 'hello' }>): Promise<void> => {
    const asking =
      principal ??
      (hello.auth === undefined
        ? null
        : await deps.authenticator.authenticate({ bearer: hello.auth, cookie: null }))
    if (current().kind === 'closed') return
    if (asking === null) return close(4501, { r: 'unauthenticated' })
    cancelHello()
    const subscriptions = createSubscriptions(asking, deps, outlet)
    session = { kind: 'open', subscriptions }
    send({
      type: 'ready',
      connection: id,
      node: deps.node,
      epoch: deps.epoch,
      user: asking.userId,
      heartbeatMs: deps.limits.heartbeatMs,
      limits: {
        frameBytes: limits.frameBytes,
        subscriptions: limits.subscriptionsPerConnection,
        unacknowledgedItems: limits.unacknowledgedItems,
      },
      authExpiresAt: null,
      lifetimeMs: limits.lifetimeMostMs,
    })
    planPing()
    for (const subscription of hello.subs ?? []) await subscriptions.add(subscription)
  }
  const handle = async (frame: ClientFrame): Promise<void> => {
    const now = current()
    if (now.kind === 'closed') return
    if (now.kind === 'waiting')
      return frame.type === 'hello' ? greet(frame) : refuseFrame('The first frame is hello')
    switch (frame.type) {
      case 'hello':
        return refuseFrame('hello is said once')
      case 'sub':
        return now.subscriptions.add(frame)
      case 'unsub':
        return now.subscriptions.remove(frame.stream)
      case 'pong':
        if (frame.n === pings) cancelPongDeadline?.()
        return
      case 'ack':
        return
      case 'auth':
        return refuseFrame('Nothing expires here')
      default:
        frame satisfies never
    }
  }
  let turn = Promise.resolve()
  let waiting = 0
  socket.on('message', (data, isBinary) => {
    const frame = readFrame(data, isBinary)
    waiting += 1
    // While a frame waits for the database no more are taken from the network: the queue stays one read long.
    socket.pause()
    turn = turn
      .then(() => (frame.ok ? handle(frame.frame) : refuseFrame(frame.why)))
      .catch(failed)
      .finally(() => {
        waiting -= 1
        if (waiting === 0) socket.resume()
      })
  })
  socket.on('close', end)
  // ws closes by itself with the right code (1009 for a frame over the limit); here it only must not be unheard.
  socket.on('error', (error) => deps.logger.warn({ err: error, connection: id }, 'socket error'))

  const cancelHello = later(
    () =>
      // A slow but known client may try again; one that named no credentials in time is turned away.
      principal === null ? close(4501, { r: 'unauthenticated' }) : close(4008, { r: 'no_hello' }),
    limits.helloWithinMs,
  )
  return { close }
}

type ReadFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly why: string }

function readFrame(data: RawData, isBinary: boolean): ReadFrame {
  if (isBinary) return { ok: false, why: 'Frames are JSON text, not binary' }
  let value: unknown
  try {
    value = JSON.parse(data.toString())
  } catch {
    return { ok: false, why: 'The frame is not JSON' }
  }
  const parsed = ClientFrame.safeParse(value)
  return parsed.success
    ? { ok: true, frame: parsed.data }
    : { ok: false, why: z.prettifyError(parsed.error).slice(0, 500) }
}
