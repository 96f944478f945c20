/**
 * A TCP proxy that breaks connections as networks do. Each client has a door (a port of its own), so that a fault
 * can be told from the client it met, and an address of its own towards the server, so that limits by address see
 * many clients as many.
 *
 *   client ── door 7 ──▶ [ upstream lane ] ──▶ 127.0.0.1:server
 *                  ◀── [ downstream lane ] ◀──
 *
 * A lane hands on chunks in order, one after the other; a fault changes how, for a while, or ends the connection.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

export type Fault =
  /** Both sides get an RST. */
  | { readonly kind: 'reset' }
  /** Bytes vanish in both directions while both ends believe in the connection; then an RST, or never one. */
  | { readonly kind: 'hole'; readonly ms: number | 'open' }
  /** Nothing moves for a while; then everything does. */
  | { readonly kind: 'stall'; readonly ms: number }
  /** For a while bytes come in crumbs of this size. */
  | { readonly kind: 'slice'; readonly bytes: number; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number; readonly ms: number }
  /** The next chunk from the server is cut in its middle, and an RST follows: half a frame arrives. */
  | { readonly kind: 'truncate' }
  /** For a while each chunk is this late. */
  | { readonly kind: 'latency'; readonly delayMs: number; readonly ms: number }

export type FaultKind = Fault['kind']
export const faultKinds = ['reset', 'hole', 'stall', 'slice', 'throttle', 'truncate', 'latency'] as const

/** What was done to whom. Times are of Date.now(). */
export interface Strike {
  readonly client: number
  readonly kind: FaultKind
  readonly fromMs: number
  /** Infinity: until the connection ends, or, of a cut, until the server says something. */
  untilMs: number
}

/** A connection that reached a server, from its beginning to its end. Infinity: it has not ended. */
export interface Dealing {
  readonly client: number
  readonly port: number
  readonly fromMs: number
  untilMs: number
}

/** A connection that came while there was no server to lead it to. */
export interface Refusal {
  readonly client: number
  readonly atMs: number
}

export interface ProxiedConnection {
  readonly client: number
  /** Of the server it goes to. */
  readonly port: number
  /** The first bytes that the server said, `HTTP/1.1 101` where it is a WebSocket; empty before. */
  readonly greeting: string
  /** A fault is at work, or the connection has ended. */
  readonly busy: boolean
  strike(fault: Fault): void
}

export const isWebSocket = ({ greeting }: ProxiedConnection): boolean => greeting === 'HTTP/1.1 101'

export interface FaultProxy extends AsyncDisposable {
  /** Opens the door of a client; returns its port on 127.0.0.1. */
  door(client: number): Promise<number>
  /** Where new connections go. Several: by turns; none: refused. */
  setTargets(ports: readonly number[]): void
  connections(): readonly ProxiedConnection[]
  readonly strikes: readonly Strike[]
  /** Who was connected to which server, and when. */
  readonly dealings: readonly Dealing[]
  readonly refusals: readonly Refusal[]
  /** Connections that were opened, over all time. */
  readonly opened: number
}

/** A crumb or a throttled piece is at most this long to wait for: faults end by themselves. */
const throttleTickMs = 20
/** Without a server a connection is refused after this. */
const refuseAfterMs = 250
/** Of one client, besides half-open holes. */
const connectionsPerClient = 2
/** For what the one end still has to say when the other has gone. */
const leaveWithinMs = 2_000
/** Chunks waiting in a lane before its source is paused: the proxy is no buffer. */
const laneChunks = 16

export function openFaultProxy(): FaultProxy {
  const doors: Server[] = []
  const open = new Map<Socket, Joined>()
  const ofClient = new Map<number, Set<Joined>>()
  const strikes: Strike[] = []
  const dealings: Dealing[] = []
  const refusals: Refusal[] = []
  let targets: readonly number[] = []
  let opened = 0

  const accept = (client: number, near: Socket): void => {
    const port = targets[opened % Math.max(targets.length, 1)]
    opened += 1
    if (port === undefined) {
      near.on('error', () => {})
      refusals.push({ client, atMs: Date.now() })
      // Not at once: hundreds of clients knocking in a circle would take the CPU from the server that starts.
      setTimeout(() => near.resetAndDestroy(), refuseAfterMs)
      return
    }
    const far = connect({ host: '127.0.0.1', port, localAddress: sourceAddress(client) })
    const connection = join({ client, port }, near, far, (strike) => strikes.push(strike))
    open.set(near, connection)
    const dealing: Dealing = { client, port, fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY }
    dealings.push(dealing)
    const own = ofClient.get(client) ?? new Set()
    ofClient.set(client, own.add(connection))
    leaveOld(client)
    near.once('close', () => {
      open.delete(near)
      own.delete(connection)
      dealing.untilMs = Date.now()
    })
  }

  /**
   * A client has one connection. Those it has turned away from linger until their server answers the close, which one
   * that is frozen or overrun does not: thousands of clients would use up the descriptors of this process.
   */
  const leaveOld = (client: number): void => {
    const own = [...(ofClient.get(client) ?? [])].filter((one) => !one.swallows)
    for (const old of own.slice(0, -connectionsPerClient)) old.destroy()
  }

  return {
    async door(client) {
      const server = createServer({ noDelay: true }, (near) => accept(client, near))
      doors.push(server)
      const listening = Promise.withResolvers<void>()
      server.once('error', listening.reject)
      server.listen(0, '127.0.0.1', () => listening.resolve())
      await listening.promise
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
      return address.port
    },
    setTargets(ports) {
      targets = ports
    },
    connections: () => [...open.values()],
    strikes,
    dealings,
    refusals,
    get opened() {
      return opened
    },
    async [Symbol.asyncDispose]() {
      for (const connection of open.values()) connection.destroy()
      await Promise.all(
        doors.map((server) => {
          const { promise, resolve } = Promise.withResolvers<void>()
          server.close(() => resolve())
          return promise
        }),
      )
    },
  }
}

/** All of 127.0.0.0/8 is this machine (on Linux): each client gets an address, 127.1.0.0 upwards. */
function sourceAddress(client: number): string {
  if (process.platform !== 'linux') return '127.0.0.1'
  return `127.1.${(client >> 7) & 0xff}.${(client & 0x7f) + 1}`
}

/** How a lane hands on its next chunk. */
type Manner =
  | { readonly kind: 'plain' }
  | { readonly kind: 'swallow' }
  | { readonly kind: 'wait'; readonly until: Promise<void> }
  | { readonly kind: 'slice'; readonly bytes: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'cut'; readonly strike: Strike }
  | { readonly kind: 'late'; readonly delayMs: number }

interface Joined extends ProxiedConnection {
  readonly swallows: boolean
  destroy(): void
}

function join(
  { client, port }: { readonly client: number; readonly port: number },
  near: Socket,
  far: Socket,
  record: (strike: Strike) => void,
): Joined {
  let manner: Manner = { kind: 'plain' }
  let greeting = ''
  let ended = false
  let timer: NodeJS.Timeout | undefined

  const destroy = (): void => {
    if (ended) return
    ended = true
    clearTimeout(timer)
    near.resetAndDestroy()
    // One that is still connecting would wait for that before it resets: a frozen server never lets it in.
    if (far.connecting) far.destroy()
    else far.resetAndDestroy()
  }
  const write = async (to: Socket, bytes: Buffer): Promise<void> => {
    if (ended || to.destroyed || to.write(bytes)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    to.once('drain', resolve)
    to.once('close', resolve)
    await promise
  }
  const hand = async (chunk: Buffer, to: Socket): Promise<void> => {
    const now = manner
    switch (now.kind) {
      case 'plain':
        return write(to, chunk)
      case 'swallow':
        return
      case 'wait':
        await now.until
        return hand(chunk, to)
      case 'slice':
        for (let at = 0; at < chunk.length && !ended; at += now.bytes) {
          await write(to, chunk.subarray(at, at + now.bytes))
          await nextTurn()
        }
        return
      case 'throttle': {
        const piece = Math.max(1, Math.floor((now.bytesPerSecond * throttleTickMs) / 1000))
        for (let at = 0; at < chunk.length && !ended; at += piece) {
          await write(to, chunk.subarray(at, at + piece))
          await sleep(throttleTickMs)
        }
        return
      }
      case 'late':
        await sleep(now.delayMs)
        return write(to, chunk)
      case 'cut':
        // Half of what the server says; what the client says has no part in this.
        if (to !== near) return write(to, chunk)
        now.strike.untilMs = Date.now()
        await write(to, chunk.subarray(0, Math.ceil(chunk.length / 2)))
        // The half has to leave before the RST, which throws away what waits.
        await sleep(5)
        destroy()
    }
  }
  const leave = (socket: Socket): void => {
    socket.destroySoon()
    // A server that is frozen takes neither the connection nor what it is told: thousands of such would pile up.
    const late = setTimeout(() => socket.destroy(), leaveWithinMs)
    socket.once('close', () => clearTimeout(late))
  }
  const lane = (from: Socket, to: Socket): void => {
    let turn = Promise.resolve()
    let waiting = 0
    from.on('data', (chunk: Buffer) => {
      if (from === far && greeting === '') greeting = chunk.toString('latin1', 0, 12)
      waiting += 1
      if (waiting === laneChunks) from.pause()
      turn = turn
        .then(() => hand(chunk, to))
        .finally(() => {
          waiting -= 1
          if (waiting < laneChunks) from.resume()
        })
    })
    // A half that ends closes the whole: what was under way in its lane goes first, except into a hole.
    from.once('end', () => void turn.then(() => (manner.kind === 'swallow' ? undefined : to.end())))
    from.once('close', () => void turn.then(() => (manner.kind === 'swallow' ? undefined : leave(to))))
    from.on('error', () => {
      if (manner.kind !== 'swallow') destroy()
    })
  }
  lane(near, far)
  lane(far, near)

  const forAWhile = (temporary: Manner, ms: number): void => {
    manner = temporary
    timer = setTimeout(() => {
      manner = { kind: 'plain' }
    }, ms)
  }
  return {
    client,
    port,
    get greeting() {
      return greeting
    },
    get swallows() {
      return manner.kind === 'swallow'
    },
    get busy() {
      return ended || near.destroyed || manner.kind !== 'plain'
    },
    destroy,
    strike(fault) {
      const fromMs = Date.now()
      const note = (untilMs: number): Strike => {
        const strike = { client, kind: fault.kind, fromMs, untilMs }
        record(strike)
        return strike
      }
      switch (fault.kind) {
        case 'reset':
          note(fromMs)
          return destroy()
        case 'hole':
          manner = { kind: 'swallow' }
          note(fault.ms === 'open' ? Number.POSITIVE_INFINITY : fromMs + fault.ms)
          if (fault.ms !== 'open') timer = setTimeout(destroy, fault.ms)
          return
        case 'stall':
          note(fromMs + fault.ms)
          manner = {
            kind: 'wait',
            until: sleep(fault.ms).then(() => {
              manner = { kind: 'plain' }
            }),
          }
          return
        case 'slice':
          note(fromMs + fault.ms)
          return forAWhile({ kind: 'slice', bytes: fault.bytes }, fault.ms)
        case 'throttle':
          note(fromMs + fault.ms)
          return forAWhile({ kind: 'throttle', bytesPerSecond: fault.bytesPerSecond }, fault.ms)
        case 'latency':
          note(fromMs + fault.ms)
          return forAWhile({ kind: 'late', delayMs: fault.delayMs }, fault.ms)
        case 'truncate':
          // It may be seconds until there is something to cut, and that may be the goodbye itself.
          manner = { kind: 'cut', strike: note(Number.POSITIVE_INFINITY) }
          return
        default:
          fault satisfies never
      }
    },
  }
}
