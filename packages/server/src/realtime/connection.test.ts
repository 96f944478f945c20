import { EventEmitter } from 'node:events'
import { type ServerFrame, threadStream } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { silentLogger } from '../telemetry/logger.ts'
import type { Place } from './admissions.ts'
import { type Connection, serveConnection } from './connection.ts'
import { settled } from './held-calls.test-support.ts'
import { createHub } from './hub.ts'
import { type RealtimeLimits, realtimeLimits } from './limits.ts'
import { type LogThread, openLogThread } from './log-thread.test-support.ts'
import type { Sources } from './sources.ts'

/** A socket whose other side reads when the test says so: real ones hide how much waits in the kernel. */
function stallingSocket() {
  const waiting: { bytes: number; sent: () => void }[] = []
  const frames: ServerFrame[] = []
  let mostBuffered = 0
  const socket = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    pause() {},
    resume() {},
    close() {},
    terminate() {},
    send(text: string, sent: () => void) {
      frames.push(JSON.parse(text) as ServerFrame)
      waiting.push({ bytes: text.length, sent })
      socket.bufferedAmount += text.length
      mostBuffered = Math.max(mostBuffered, socket.bufferedAmount)
    },
  })
  return {
    socket: socket as unknown as WebSocket,
    frames,
    mostBuffered: () => mostBuffered,
    /** The other side reads one frame; false: there was none. */
    readOne(): boolean {
      const first = waiting.shift()
      if (first === undefined) return false
      socket.bufferedAmount -= first.bytes
      first.sent()
      return true
    },
  }
}

/** A connection of the thread's owner, as its handshake shows. */
function openConnection(
  socket: WebSocket,
  thread: LogThread,
  { sources = thread.sources, limits = realtimeLimits as RealtimeLimits } = {},
): Connection & Disposable {
  const schedule = () => () => {}
  const hub = createHub({
    sources,
    bus: { subscribe: () => () => {}, onResync: () => () => {} },
    schedule,
    limits,
    onPollError() {},
  })
  const place: Place = { pend: () => 'pending', sign: () => 'signed', leave() {} }
  const access = {
    principal: thread.owner,
    scopes: ['read'],
    endsAtMs: null,
    proof: { kind: 'bearer' },
  } as const
  const handshake = { access, credentials: { bearer: null, cookie: null } }
  const connection = serveConnection(socket, thread.makeId('connection'), place, handshake, {
    threads: thread.threads,
    sources,
    hub,
    authenticator: { authenticate: async () => access },
    node: thread.makeId('node'),
    epoch: thread.log.epoch,
    schedule,
    nowMs: () => 0,
    random: () => 0.5,
    limits,
    logger: silentLogger,
  })
  return {
    drain: (...when) => connection.drain(...when),
    leave: () => connection.leave(),
    revoked: (userId) => connection.revoked(userId),
    [Symbol.dispose]: () => hub[Symbol.dispose](),
  }
}

test('the pump stops reading at pauseAtBufferedBytes and goes on below resumeAtBufferedBytes', async () => {
  await using thread = await openLogThread()
  const text = 'x'.repeat(10_000)
  await thread.append(300, text)
  const stalling = stallingSocket()
  let reads = 0
  let lastRead = Promise.withResolvers<void>()
  const sources: Sources = {
    ...thread.sources,
    async read(...request) {
      reads += 1
      const items = await thread.sources.read(...request)
      // The pump has done what follows from this read before the next turn of the event loop.
      setImmediate(() => lastRead.resolve())
      return items
    },
  }
  const limits = { ...realtimeLimits, pauseAtBufferedBytes: 100_000, resumeAtBufferedBytes: 20_000 }
  using _connection = openConnection(stalling.socket, thread, { sources, limits })
  const subs = [{ stream: threadStream(thread.id), after: 'start' }]
  stalling.socket.emit('message', Buffer.from(JSON.stringify({ type: 'hello', instance: 'x', subs })), false)
  await lastRead.promise

  // 3 MB are there to send. One frame of 256 KiB is what a pump may be ahead of the limit.
  expect(reads).toBe(1)
  expect(stalling.mostBuffered()).toBeLessThan(100_000 + 300_000)

  const seqs = (): number[] =>
    stalling.frames.flatMap((frame) => (frame.type === 'ev' ? frame.items.map(({ seq }) => seq) : []))
  while (seqs().length < 300) {
    lastRead = Promise.withResolvers<void>()
    while (stalling.readOne());
    await lastRead.promise
  }
  expect(seqs()).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
  expect(stalling.mostBuffered()).toBeLessThan(100_000 + 300_000)
})

test('[S2] what arrives after the close is not even read', async () => {
  await using thread = await openLogThread()
  const { socket } = stallingSocket()
  using connection = openConnection(socket, thread)
  let read = 0
  const arrive = (): void => {
    const data = Object.assign(Buffer.from('{}'), {
      toString() {
        read += 1
        return '{}'
      },
    })
    socket.emit('message', data, false)
  }
  arrive()
  await settled()
  expect(read).toBe(1)
  // Before its turn comes, and after.
  arrive()
  connection.leave()
  arrive()
  await settled()
  expect(read).toBe(1)
})
