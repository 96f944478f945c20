import { ClientFrame, limits, type UserId } from '@holdfast/protocol'
import type { WebSocket } from 'ws'
import type { World } from './world.ts'

export const fastClock = {
  heartbeatMs: 300,
  /** A connection's credentials run out after this, unless they are renewed in band. */
  authMs: 5_000,
  authSoonMs: 2_500,
} as const

interface Served {
  readonly world: World
  readonly node: string
  readonly user: UserId | null
  userOf(token: string): UserId | null
}

/** One connection of the bundled server. Returns what tells it to leave. */
export function serveSocket(ws: WebSocket, { world, node, user: signed, userOf }: Served): () => void {
  let user: UserId | null = null
  let bad = 0
  let commands = limits.commandsPerConnection
  let pings = 0
  const sent = new Map<string, number>()
  const live = new Set<string>()
  const timers = new Set<NodeJS.Timeout>()
  const send = (frame: object, then?: () => void): void => {
    if (ws.readyState === 1) ws.send(JSON.stringify(frame), then)
  }
  const close = (code: number, r: string): void => ws.close(code, JSON.stringify({ r }))
  const later = (ms: number, task: () => void): NodeJS.Timeout => {
    const timer = setTimeout(task, ms)
    timers.add(timer)
    return timer
  }
  let expiry: readonly NodeJS.Timeout[] = []
  const renew = (): string => {
    for (const timer of expiry) clearTimeout(timer)
    expiry = [
      later(fastClock.authMs - fastClock.authSoonMs, () =>
        send({ type: 'auth_soon', withinMs: fastClock.authSoonMs }),
      ),
      later(fastClock.authMs, () => close(4001, 'token_expired')),
    ]
    return new Date(Date.now() + fastClock.authMs).toISOString()
  }

  /** Read from the log, send, and again until nothing is left: replay and live are the same. */
  const pump = (stream: string): void => {
    const from = sent.get(stream)
    const log = world.threads.get(stream.slice('thread/'.length))?.log
    if (from === undefined || log === undefined || ws.bufferedAmount > 256 * 1024) return
    const items = log.slice(from, from + 16)
    const [first] = items
    if (first === undefined) {
      if (!live.has(stream)) send({ type: 'live', stream, at: from })
      live.add(stream)
      return
    }
    sent.set(stream, from + items.length)
    send({ type: 'ev', stream, first: first.seq, items }, () => pump(stream))
  }
  const onCommit = (thread: string): void => pump(`thread/${thread}`)
  world.listeners.add(onCommit)

  const subscribe = (stream: string, after: number | 'start' | 'head', epoch?: string): void => {
    const thread = world.threads.get(stream.slice('thread/'.length))
    const head = thread?.log.length ?? 0
    const from = after === 'start' ? 0 : after === 'head' ? head : after
    const wrong =
      (epoch !== undefined && epoch !== world.epoch) || from > head
        ? 'epoch_changed'
        : stream !== 'user/me' && thread?.owner !== user
          ? 'not_found'
          : null
    // Whose it is comes first: how long another's log is, is told to nobody.
    const code = stream !== 'user/me' && thread?.owner !== user && epoch === undefined ? 'not_found' : wrong
    if (code !== null) {
      send({ type: 'sub_err', stream, code })
      return
    }
    send({ type: 'sub_ok', stream, floor: 0, head })
    live.delete(stream)
    sent.set(stream, from)
    if (stream === 'user/me') send({ type: 'live', stream, at: 0 })
    else pump(stream)
  }
  const refuse = (message: string, ref?: string): void => {
    bad += 1
    if (bad >= limits.badFramesPerConnection) close(4500, 'bad_frames')
    else send({ type: 'error', code: 'bad_request', message, ...(ref === undefined ? {} : { ref }) })
  }
  const greet = (who: UserId): void => {
    user = who
    clearTimeout(overdue)
    send({
      type: 'ready',
      connection: world.makeId('connection'),
      node,
      epoch: world.epoch,
      user: who,
      heartbeatMs: fastClock.heartbeatMs,
      limits: {
        frameBytes: limits.frameBytes,
        subscriptions: 200,
        unacknowledgedItems: limits.unacknowledgedItems,
      },
      authExpiresAt: renew(),
      lifetimeMs: 60_000,
    })
    const ping = (): void => {
      pings += 1
      send({ type: 'ping', n: pings })
      later(fastClock.heartbeatMs, ping)
    }
    later(fastClock.heartbeatMs, ping)
  }
  const overdue = later(1_000, () => close(4501, 'unauthenticated'))

  ws.on('message', (data, isBinary) => {
    const parsed = isBinary ? null : ClientFrame.safeParse(parse(String(data)))
    if (parsed?.data?.type !== 'ack' && parsed?.data?.type !== 'pong') commands -= 1
    if (commands < 0) return close(4029, 'rate_limited')
    if (parsed?.success !== true) return refuse('The frame is not valid')
    const frame = parsed.data
    if (frame.type === 'hello') {
      if (user !== null) return refuse('hello is said once', 'hello')
      const who = signed ?? (frame.auth === undefined ? null : userOf(frame.auth))
      if (who === null) return close(4501, 'unauthenticated')
      greet(who)
      for (const { stream, after, epoch } of frame.subs ?? []) subscribe(stream, after, epoch)
      return
    }
    if (user === null) return refuse('The first frame is hello', frame.type)
    if (frame.type === 'sub') subscribe(frame.stream, frame.after, frame.epoch)
    else if (frame.type === 'unsub') sent.delete(frame.stream)
    else if (frame.type === 'auth') {
      const who = userOf(frame.auth)
      if (who === null) close(4501, 'unauthenticated')
      else if (who !== user) close(4503, 'other_user')
      else renew()
    }
  })
  ws.on('error', () => {})
  ws.on('close', () => {
    for (const timer of timers) clearTimeout(timer)
    world.listeners.delete(onCommit)
  })
  return () => {
    send({ type: 'drain', leaveWithinMs: 50 })
    close(1012, 'drain')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
