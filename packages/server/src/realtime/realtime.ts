import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type CloseReason,
  HoldfastError,
  limits,
  type MakeId,
  type NodeId,
  nodeHeader,
  type UserId,
  wireVersion,
} from '@holdfast/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import { clientAddress } from '../auth/client-address.ts'
import type { Bus } from '../bus/bus.ts'
import type { EventLog } from '../log/event-log.ts'
import type { LifecycleLog } from '../log/lifecycle-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createAdmissions, type Place } from './admissions.ts'
import { createCloseCounts } from './close-counts.ts'
import { type Connection, type ConnectionDeps, serveConnection } from './connection.ts'
import { planDrain } from './drain-plan.ts'
import { createEventStreams, type FollowEvents } from './event-stream.ts'
import { closeReason } from './frames.ts'
import { createHub } from './hub.ts'
import { type RealtimeLimits, realtimeLimits } from './limits.ts'
import { watchLoop } from './loop-watch.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { type Schedule, systemSchedule } from './schedule.ts'
import { createSources } from './sources.ts'
import {
  judgeCredentials,
  judgeRequest,
  otherVersion,
  type Refusal,
  type UpgradeDeps,
  type UpgradeVerdict,
} from './upgrade.ts'

export interface RealtimeDeps extends UpgradeDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly log: Pick<EventLog, 'epoch' | 'read' | 'heads' | 'onCommit'>
  readonly lifecycle: Pick<LifecycleLog, 'read' | 'heads' | 'onCommit'>
  readonly bus: Pick<Bus, 'subscribe' | 'onResync'>
  readonly node: NodeId
  readonly makeId: MakeId
  readonly logger: Logger
  readonly schedule?: Schedule
  readonly nowMs?: () => number
  readonly random?: () => number
  readonly limits?: Partial<RealtimeLimits>
}

export interface Realtime extends AsyncDisposable {
  /** For `server.on('upgrade', …)`. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** The same streams over plain HTTP. */
  readonly followEvents: FollowEvents
  readonly connections: number
  /** Of sockets that ended in the last hour, by their code. */
  closes(): ReadonlyMap<number, number>
  /** Something of this user's was revoked, on whichever node: what is open of theirs looks at its credentials again. */
  revoked(userId: UserId): void
  /**
   * Announces that this server stops, and closes each socket with 1012 at a random moment within drainMs: resolves
   * when all are gone, at the latest after drainMs and closeTimeoutMs. Refuses what comes meanwhile. Safe twice.
   */
  drain(): Promise<void>
  /** Closes every socket with 1012 now and waits until all are gone. Safe twice. */
  close(): Promise<void>
}

/** All that follows streams of this node. */
export function openRealtime(deps: RealtimeDeps): Realtime {
  const bounds: RealtimeLimits = { ...realtimeLimits, ...deps.limits }
  const schedule = deps.schedule ?? systemSchedule
  const random = deps.random ?? Math.random
  const sources = createSources(deps.log, deps.lifecycle)
  const hub = createHub({
    sources,
    bus: deps.bus,
    schedule,
    limits: bounds,
    onPollError: (error) => deps.logger.warn({ err: error }, 'poll of heads failed'),
  })
  const common = {
    threads: deps.threads,
    epoch: deps.log.epoch,
    authenticator: deps.authenticator,
    nowMs: deps.nowMs ?? Date.now,
    logger: deps.logger,
    sources,
    hub,
    schedule,
    limits: bounds,
  }
  const connectionDeps: ConnectionDeps = {
    ...common,
    node: deps.node,
    random,
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    // Of sockets that ws itself closes; its types do not know the option yet.
    ...{ closeTimeout: bounds.closeTimeoutMs },
    handleProtocols: (offered) => (offered.has(wireVersion) ? wireVersion : (otherVersion(offered) ?? false)),
  })
  // Also before `ready`: a prover, or whoever reads a log of a proxy, can tell which node took the socket.
  server.on('headers', (headers) => headers.push(`${nodeHeader}: ${deps.node}`))
  const admissions = createAdmissions(bounds)
  const loop = watchLoop()
  const isOverrun = (): boolean => admissions.unsigned >= bounds.unsignedWhileBehind && loop.behind()
  const streams = createEventStreams({ ...common, node: deps.node, admissions })
  const open = new Map<WebSocket, Connection>()
  const closes = createCloseCounts(common.nowMs)
  let leaving = false
  const revoked = (userId: UserId): void => {
    for (const connection of [...open.values(), ...streams.open()]) connection.revoked(userId)
  }
  const endRevocations = deps.bus.subscribe((hint) => {
    if (hint.kind === 'revoked') revoked(hint.userId)
  })

  const accept = (socket: WebSocket, verdict: Accepted, place: Place): void => {
    if (verdict.kind === 'accept_to_close')
      dismiss(socket, verdict.code, {
        r: verdict.code === 4501 ? 'unauthenticated' : 'version_unsupported',
      })
    // Between judging and the handshake the drain may have come.
    else if (leaving) dismiss(socket, 1012, { r: 'drain', ms: bounds.drainHintMs })
    else {
      const id = deps.makeId('connection')
      open.set(socket, serveConnection(socket, id, place, verdict.handshake, connectionDeps))
      socket.on('close', (code) => {
        open.delete(socket)
        closes.note(code)
      })
    }
  }
  const refuse = (socket: Duplex, refusal: Omit<Refusal, 'kind'>): void =>
    refuseUpgrade(socket, refusal, schedule, bounds)
  const judge = async (
    request: IncomingMessage,
    socket: Duplex,
  ): Promise<Refusal | { readonly verdict: Accepted; readonly place: Place }> => {
    const ready = (): boolean => !leaving && deps.ready() && !isOverrun()
    const first = judgeRequest(request, { ...deps, ready })
    if (first.kind === 'refuse') return first
    const place = admissions.enter()
    if (place === null) return crowded.node
    // Whatever becomes of it: it is refused, its line is cut while it is judged, or no WebSocket comes of its handshake.
    socket.once('close', place.leave)
    const verdict =
      first.kind === 'ask_credentials' ? await judgeCredentials(request, first.offered, deps) : first
    if (verdict.kind === 'refuse') return verdict
    const known = verdict.kind === 'accept' && verdict.handshake.access !== null
    if (!known && place.pend(clientAddress(request, deps.proxyHops) ?? '') === 'crowded')
      return crowded.address
    return { verdict, place }
  }

  const whenGone = (): Promise<unknown> =>
    Promise.all([
      ...[...open.keys()].map((socket) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        socket.once('close', () => resolve())
        return promise
      }),
      streams.whenGone(),
    ])
  const drain = async (): Promise<void> => {
    if (leaving) return void (await whenGone())
    leaving = true
    const connections = [...open.values(), ...streams.open()]
    const { withinMs, leaveAfterMs } = planDrain(connections.length, random, bounds)
    const gone = whenGone()
    for (const [index, connection] of connections.entries())
      connection.drain(Math.round(withinMs), leaveAfterMs[index] ?? 0)
    await gone
  }
  let closing: Promise<void> | null = null
  const closeAll = async (): Promise<void> => {
    leaving = true
    const gone = whenGone()
    for (const connection of [...open.values(), ...streams.open()]) connection.leave()
    await gone
    endRevocations()
    loop[Symbol.dispose]()
    hub[Symbol.dispose]()
  }
  const close = (): Promise<void> => (closing ??= closeAll())

  return {
    handleUpgrade(request, socket, head) {
      // Until ws takes the socket over, its errors are ours; unheard, one would end the process.
      const onError = (): void => void socket.destroy()
      socket.on('error', onError)
      judge(request, socket)
        .then((judged) => {
          if (socket.destroyed) return
          if ('kind' in judged) return refuse(socket, judged)
          socket.off('error', onError)
          server.handleUpgrade(request, socket, head, (accepted) =>
            accept(accepted, judged.verdict, judged.place),
          )
        })
        .catch((error: unknown) => {
          if (error instanceof HoldfastError && error.code === 'not_ready')
            return refuse(socket, { code: error.code, detail: error.message })
          deps.logger.error({ err: error }, 'upgrade failed')
          refuse(socket, { code: 'internal', detail: 'The server met a fault of its own' })
        })
    },
    followEvents: (request) => streams.follow(request),
    revoked,
    closes: () => closes.counts(),
    get connections() {
      return admissions.connections
    },
    drain,
    close,
    [Symbol.asyncDispose]: close,
  }

  /** Let in only to be told why it has to go. */
  function dismiss(socket: WebSocket, code: 1012 | 4501 | 4526, reason: CloseReason): void {
    socket.on('error', () => socket.terminate())
    socket.close(code, closeReason(reason))
    socket.once(
      'close',
      schedule(() => socket.terminate(), bounds.closeTimeoutMs),
    )
  }
}

const crowded = {
  node: {
    kind: 'refuse',
    code: 'not_ready',
    detail: 'The server has all the connections that it can hold; try again',
  },
  address: {
    kind: 'refuse',
    code: 'rate_limited',
    detail: 'Too many connections of this address have not said hello; try again',
  },
} as const satisfies Record<string, Refusal>

type Accepted = Exclude<UpgradeVerdict, Refusal>
