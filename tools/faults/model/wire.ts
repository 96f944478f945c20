/** One connection of the model: two lanes, the server's subscriptions at one end, the client's port at the other. */
import type {
  ClientFrame,
  EpochId,
  MakeId,
  NodeId,
  Position,
  ServerFrame,
  StoredEvent,
  Stream,
  Subscription,
  ThreadId,
  UserId,
} from '@holdfast/protocol'
import { readFrame } from '../../../packages/client/src/received-frame.ts'
import type { Transport, TransportPort } from '../../../packages/client/src/transport.ts'
import type { Outlet } from '../../../packages/server/src/realtime/active-subscription.ts'
import { encodeItems } from '../../../packages/server/src/realtime/frames.ts'
import type { Subscriptions } from '../../../packages/server/src/realtime/subscriptions.ts'
import { digestOf, type JournalLine } from '../journal.ts'
import type { ServerHalf } from './server-half.ts'
import type { VirtualWorld } from './virtual-world.ts'

/** A client as the model and the checker know it. */
export interface ModelClient {
  readonly number: number
  readonly thread: ThreadId
  readonly user: UserId
  /** What it has applied, over all its lives. */
  applied: Position
  connections: number
  live: boolean
  /** The epoch it goes by, where that is not what the server says: then only the server can tell it that it is wrong. */
  readonly believedEpoch?: EpochId
}

export interface WireDeps {
  readonly world: VirtualWorld
  readonly server: ServerHalf
  readonly epoch: EpochId
  readonly node: NodeId
  readonly makeId: MakeId
  readonly window: number
  readonly write: (line: JournalLine) => void
}

export interface Wire extends Transport {
  /** What is on its way is lost too. `late`: the server learns of it at some later moment. */
  lose(late: boolean): void
  /** The socket takes no more for a while. */
  fill(): void
}

/** Longer than the model lets time go on: no heartbeats come in it. */
const everyEventMs = 25_000

export function openWire(
  of: ModelClient,
  port: TransportPort,
  { world, server, epoch, node, makeId, window, write }: WireDeps,
): Wire {
  of.connections += 1
  of.live = false
  const connection = of.connections
  const up = world.lane()
  const down = world.lane()
  let open = true
  let full = false
  write(['opened', Date.now(), of.number, connection])
  let subscriptions: Subscriptions | null = null
  /** What was asked after, by subscriptions that are not answered yet. */
  const asked: Subscription['after'][] = []
  let turn = Promise.resolve()

  const leave = (code: number | null): void => {
    if (!open) return
    open = false
    up.cut()
    down.cut()
    write(['lost', Date.now(), of.number, connection, code])
  }
  const lose = (late: boolean): void => {
    if (!open) return
    leave(1006)
    // A server that has not noticed yet goes on reading and sending into nowhere.
    if (late) void world.moment().then(() => subscriptions?.stop())
    else subscriptions?.stop()
    port.lost(1006, '')
  }
  const deliver = (text: string): void => {
    const raw = JSON.parse(text) as {
      type: string
      stream?: Stream
      items?: readonly StoredEvent[]
      head?: number
    }
    if (raw.type === 'ev' && raw.items !== undefined)
      write([
        'frame',
        Date.now(),
        of.number,
        connection,
        String(raw.stream).slice('thread/'.length) as ThreadId,
        raw.items.map((event) => [event.seq, digestOf(event)]),
      ])
    if (raw.type === 'sub_ok') {
      const { head = 0 } = raw
      const after = asked.shift() ?? 'start'
      const from = after === 'start' ? 0 : after === 'head' ? head : after
      write(['subscribed', Date.now(), of.number, connection, of.thread, head, from])
    }
    if (raw.type === 'live') of.live = true
    if (raw.type === 'live') write(['live', Date.now(), of.number, connection, of.thread])
    const frame = readFrame(text)
    if (frame === null) throw new Error(`The client does not know ${text}`)
    if (frame.type === 'ready') port.epoch(of.believedEpoch ?? frame.epoch)
    port.alive()
    port.frame(frame)
  }
  const send = (text: string): void => {
    if (open) down.push(() => deliver(text))
  }
  const sendFrame = (frame: ServerFrame): void => send(JSON.stringify(frame))
  const outlet: Outlet = {
    send: sendFrame,
    sendItems: (stream, items) => encodeItems(stream, items).forEach(send),
    writable: () => !full,
    stalled: () => lose(false),
    failed(error) {
      // Nothing in here can fail honestly: a server that doubts itself is a finding.
      write(['failed', Date.now(), of.number, `the server gave up: ${String(error)}`])
      lose(false)
    },
  }
  const serve = async (frame: ClientFrame): Promise<void> => {
    if (frame.type === 'hello') {
      subscriptions = server.subscriptionsOf(frame.auth as UserId, outlet)
      sendFrame({
        type: 'ready',
        connection: makeId('connection'),
        node,
        epoch: epoch,
        user: of.user,
        heartbeatMs: everyEventMs,
        limits: { frameBytes: 65_536, subscriptions: 200, unacknowledgedItems: window },
        authExpiresAt: null,
        lifetimeMs: 3_600_000,
      })
      await subscriptions.add(...(frame.subs ?? []))
    } else if (frame.type === 'sub') await subscriptions?.add(frame)
    else if (frame.type === 'unsub') subscriptions?.remove(frame.stream)
    else if (frame.type === 'ack' && subscriptions?.acknowledge(frame.stream, frame.seq) === 'ahead')
      lose(false)
  }
  down.push(() => port.opened())
  return {
    lose,
    fill() {
      full = true
      void world.moment().then(() => {
        full = false
        subscriptions?.resume()
      })
    },
    send(frame: ClientFrame) {
      if (!open) return
      if (frame.type === 'sub') asked.push(frame.after)
      if (frame.type === 'hello') for (const { after } of frame.subs ?? []) asked.push(after)
      up.push(() => {
        turn = turn.then(() => (open ? serve(frame) : undefined))
      })
    },
    close() {
      leave(null)
      subscriptions?.stop()
    },
  }
}
