/** Who reads in the model: the clients, their second readers, and now and then somebody with a cursor of another log. */
import { type EpochId, type MakeId, position, type StoredEvent, threadStream } from '@holdfast/protocol'
import { type Connection, createConnection } from '../../../packages/client/src/connection.ts'
import { createCredentials } from '../../../packages/client/src/credentials.ts'
import type { TransportPort } from '../../../packages/client/src/transport.ts'
import type { Follower } from '../checker.ts'
import { digestOf, type JournalLine } from '../journal.ts'
import type { Random } from '../random.ts'
import type { VirtualWorld } from './virtual-world.ts'
import type { ModelClient, Wire } from './wire.ts'

/** Second readers: the checker takes each for a client of its own, who is judged by what it applies. */
export interface Joined extends Follower {
  readonly connection: Connection
  applied: number
}

export interface Readers extends Disposable {
  readonly joined: readonly Joined[]
  /** A life of the client, from what it has applied. */
  start(of: ModelClient): void
  restart(of: ModelClient): void
  join(of: ModelClient): void
  mistake(like: ModelClient): void
  lose(of: ModelClient, late: boolean): void
  fill(of: ModelClient): void
}

/** Not one of the clients that are judged. */
const strangerNumber = 99
/** Of the reconnect delays, so that several in a row are over in the time that is waited. */
const delayScale = 0.2

export function createReaders({
  world,
  random,
  epoch,
  makeId,
  write,
  connect,
}: {
  readonly world: VirtualWorld
  readonly random: Random
  readonly epoch: EpochId
  readonly makeId: MakeId
  readonly write: (line: JournalLine) => void
  readonly connect: (of: ModelClient, port: TransportPort) => Wire
}): Readers {
  const wires = new Map<number, Wire>()
  const readers = new Map<number, Connection>()
  let joined: readonly Joined[] = []
  let joins = 0
  const join = (of: ModelClient, connection: Connection): void => {
    joins += 1
    const one: Joined = { client: 100 + joins, user: of.user, thread: of.thread, connection, applied: 0 }
    joined = [...joined, one]
    // It has no wire of its own to be live on.
    write(['opened', Date.now(), one.client, 1])
    write(['live', Date.now(), one.client, 1, of.thread])
    const follow = async (): Promise<void> => {
      const options = { after: 'start', epoch: null, signal: null } as const
      for await (const event of connection.follow<StoredEvent>(threadStream(of.thread), options).items) {
        write(['applied', Date.now(), one.client, of.thread, [event.seq, digestOf(event)]])
        one.applied = event.seq
      }
    }
    follow().catch((error: unknown) => write(['failed', Date.now(), one.client, String(error)]))
  }
  const open = (of: ModelClient): Connection =>
    createConnection({
      credentials: createCredentials(of.user),
      platform: {
        nowMs: world.nowMs,
        random: () => random.next() * delayScale,
        setTimer: world.setTimer,
        watch: () => () => {},
      },
      openSocket(port) {
        const wire = connect(of, port)
        wires.set(of.number, wire)
        return wire
      },
      openEventStreams: null,
      snapshotUrl: String,
      onStatus: () => {},
    })
  /** Somebody whose cursor is of another log: whatever it gets goes on from something that never was. */
  const mistake = (like: ModelClient): void => {
    const otherEpoch = makeId('epoch')
    const connection = open({ ...like, number: strangerNumber, believedEpoch: otherEpoch })
    const follow = async (): Promise<void> => {
      const options = { after: position(1), epoch: otherEpoch, signal: null }
      for await (const { seq } of connection.follow<StoredEvent>(threadStream(like.thread), options).items)
        write(['applied', Date.now(), like.number, like.thread, [seq, 'of another log']])
    }
    // epoch_changed, as it should be.
    follow()
      .catch(() => {})
      .finally(() => connection.close())
  }
  const start = (of: ModelClient): void => {
    const connection = open(of)
    readers.set(of.number, connection)
    write(['life', Date.now(), of.number])
    const follow = async (): Promise<void> => {
      const options = { after: of.applied, epoch: epoch, signal: null }
      for await (const event of connection.follow<StoredEvent>(threadStream(of.thread), options).items) {
        // A reader that was replaced applies nothing more.
        if (readers.get(of.number) !== connection) return
        write(['applied', Date.now(), of.number, of.thread, [event.seq, digestOf(event)]])
        of.applied = event.seq
      }
    }
    follow().catch((error: unknown) => write(['failed', Date.now(), of.number, String(error)]))
  }
  const restart = (of: ModelClient): void => {
    const connection = readers.get(of.number)
    if (connection === undefined) return
    wires.get(of.number)?.lose(true)
    connection.close()
    // Second readers end with their connection.
    joined = joined.filter((reader) => reader.connection !== connection)
    start(of)
  }
  return {
    get joined() {
      return joined
    },
    start,
    restart,
    join(of) {
      const connection = readers.get(of.number)
      if (connection !== undefined) join(of, connection)
    },
    mistake,
    lose: (of, late) => wires.get(of.number)?.lose(late),
    fill: (of) => wires.get(of.number)?.fill(),
    [Symbol.dispose]() {
      for (const connection of readers.values()) connection.close()
    },
  }
}
