import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { limits, type MakeId, type NodeId, problem, wireVersion } from '@holdfast/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Bus } from '../bus/bus.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Logger } from '../telemetry/logger.ts'
import { serveConnection } from './connection.ts'
import { closeReason } from './frames.ts'
import { createHub } from './hub.ts'
import { type RealtimeLimits, realtimeLimits } from './limits.ts'
import { type Schedule, systemSchedule } from './schedule.ts'
import { judgeUpgrade, type UpgradeDeps, type UpgradeVerdict } from './upgrade.ts'

export interface RealtimeDeps extends UpgradeDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly log: Pick<EventLog, 'epoch' | 'read' | 'heads' | 'onCommit'>
  readonly bus: Pick<Bus, 'subscribe'>
  readonly node: NodeId
  readonly makeId: MakeId
  readonly logger: Logger
  readonly schedule?: Schedule
  readonly random?: () => number
  readonly limits?: Partial<RealtimeLimits>
}

export interface Realtime extends AsyncDisposable {
  /** For `server.on('upgrade', …)`. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  readonly connections: number
  /** Closes every socket with 1012 and waits until all are gone. Safe twice. */
  close(): Promise<void>
}

/** All WebSockets of this node. */
export function openRealtime(deps: RealtimeDeps): Realtime {
  const bounds: RealtimeLimits = { ...realtimeLimits, ...deps.limits }
  const schedule = deps.schedule ?? systemSchedule
  const hub = createHub({
    log: deps.log,
    bus: deps.bus,
    schedule,
    pollMs: bounds.pollMs,
    onPollError: (error) => deps.logger.warn({ err: error }, 'poll of heads failed'),
  })
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    handleProtocols: (offered) => (offered.has(wireVersion) ? wireVersion : false),
  })
  const open = new Map<WebSocket, ReturnType<typeof serveConnection>>()
  let closing: Promise<void> | null = null

  const accept = (socket: WebSocket, verdict: Exclude<UpgradeVerdict, { kind: 'refuse' }>): void => {
    // Between judging and the handshake `close` may have come.
    if (closing !== null) {
      socket.close(1012, closeReason(drain))
      return
    }
    if (verdict.kind === 'accept_to_close') {
      socket.on('error', () => socket.terminate())
      socket.close(4501, closeReason({ r: 'unauthenticated' }))
      return
    }
    const connection = serveConnection(socket, deps.makeId('connection'), verdict.principal, {
      authenticator: deps.authenticator,
      threads: deps.threads,
      log: deps.log,
      hub,
      node: deps.node,
      epoch: deps.log.epoch,
      schedule,
      random: deps.random ?? Math.random,
      limits: bounds,
      logger: deps.logger,
    })
    open.set(socket, connection)
    socket.on('close', () => open.delete(socket))
  }

  const closeAll = async (): Promise<void> => {
    const gone = [...open].map(([socket, connection]) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.once('close', () => resolve())
      connection.close(1012, drain)
      return promise
    })
    await Promise.all(gone)
    hub[Symbol.dispose]()
  }
  const close = (): Promise<void> => (closing ??= closeAll())

  return {
    handleUpgrade(request, socket, head) {
      // Until ws takes the socket over, its errors are ours; unheard, one would end the process.
      const onError = (): void => void socket.destroy()
      socket.on('error', onError)
      judgeUpgrade(request, { ...deps, ready: () => closing === null && deps.ready() }).then(
        (verdict) => {
          if (verdict.kind === 'refuse') return refuse(socket, verdict)
          socket.off('error', onError)
          server.handleUpgrade(request, socket, head, (accepted) => accept(accepted, verdict))
        },
        (error: unknown) => {
          deps.logger.error({ err: error }, 'upgrade failed')
          refuse(socket, { kind: 'refuse', code: 'internal', detail: 'The server met a fault of its own' })
        },
      )
    },
    get connections() {
      return open.size
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Clients spread their return over this time. */
const drain = { r: 'drain', ms: 1_000 } as const

function refuse(socket: Duplex, { code, detail }: Extract<UpgradeVerdict, { kind: 'refuse' }>): void {
  const sent = problem(code, detail)
  const body = JSON.stringify(sent)
  socket.end(
    [
      `HTTP/1.1 ${sent.status} ${STATUS_CODES[sent.status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(sent.status === 503 ? ['Retry-After: 1'] : []),
      ...(sent.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      '',
      body,
    ].join('\r\n'),
  )
}
