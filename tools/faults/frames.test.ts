import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { limits, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  makeId,
  openTestServer,
  type TestServer,
} from '../../packages/server/src/http/test-server.test-support.ts'
import { readFrames } from '../../packages/server/src/realtime/frame-reader.test-support.ts'
import { encodeFrame, type FrameShape, textFrame } from './frames.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** What a server that was spoken to in bytes did in the end. */
interface Ending {
  /** Of its close frame; null: it ended without one. */
  readonly closeCode: number | null
}

/** A WebSocket handshake by hand, then bytes, then whatever the server says until it ends. */
async function speak(chunks: readonly Buffer[], after: 'wait' | 'hang up' = 'wait'): Promise<Ending> {
  const { hostname, port } = new URL(server.url)
  const socket: Socket = connect({ host: hostname, port: Number(port) })
  const received: Buffer[] = []
  const ended = Promise.withResolvers<void>()
  const upgraded = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    const all = Buffer.concat(received)
    const head = all.indexOf('\r\n\r\n')
    if (head !== -1) upgraded.resolve()
    // A close is the last that it says; how long it waits for the answer is its own affair.
    if (head !== -1 && closeCodeIn(all.subarray(head + 4)) !== null) socket.destroy()
  })
  socket.on('error', () => ended.resolve())
  socket.on('close', () => ended.resolve())
  socket.write(
    [
      'GET /v1/ws HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: holdfast.v1',
      `Authorization: Bearer ${server.token}`,
      '\r\n',
    ].join('\r\n'),
  )
  await upgraded.promise
  for (const chunk of chunks) socket.write(chunk)
  if (after === 'hang up') socket.end()
  await ended.promise
  const all = Buffer.concat(received)
  return { closeCode: closeCodeIn(all.subarray(all.indexOf('\r\n\r\n') + 4)) }
}

/** Reads the server's frames (never masked) up to its close. */
function closeCodeIn(bytes: Buffer): number | null {
  let at = 0
  while (at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 15
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2
    const size =
      short === 126
        ? bytes.readUInt16BE(at + 2)
        : short === 127
          ? Number(bytes.readBigUInt64BE(at + 2))
          : short
    if (opcode === 8) return size >= 2 ? bytes.readUInt16BE(at + headBytes) : null
    at += headBytes + size
  }
  return null
}

const frame = (shape: Partial<FrameShape>): Buffer =>
  encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from('{}'), ...shape })
const oversize = limits.frameBytes + 1
const closeWith = (code: number): Buffer =>
  frame({ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff]) })

/** One that follows a thread the whole time: whatever the others say, it gets every event. */
async function withBystander(work: () => Promise<void>): Promise<void> {
  const thread = await server.threads.create(server.principal)
  const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
  reader.send({
    type: 'hello',
    instance: 'bystander',
    subs: [{ stream: threadStream(thread.id), after: 'start' }],
  })
  for (const type of ['ready', 'sub_ok', 'live'] as const) await reader.next(type)
  await work()
  const run = { id: makeId('run'), agent: 'test' }
  await server.append(thread.id, run, { type: 'agent_thinking', data: { step: 1, text: 'still here' } })
  expect((await reader.events(1)).map(({ seq }) => seq)).toEqual([1])
  reader.socket.close()
}

describe('bytes that are no WebSocket frames', () => {
  test.each<[name: string, code: number, chunks: readonly Buffer[]]>([
    ['an unmasked frame', 1002, [frame({ masked: false })]],
    ['RSV1', 1002, [frame({ rsv: 4 })]],
    ['RSV2', 1002, [frame({ rsv: 2 })]],
    ['a reserved data opcode', 1002, [frame({ opcode: 3 })]],
    ['a reserved control opcode', 1002, [frame({ opcode: 11 })]],
    ['a fragmented ping', 1002, [frame({ opcode: 9, fin: false })]],
    ['a ping over 125 bytes', 1002, [frame({ opcode: 9, payload: Buffer.alloc(126) })]],
    ['a continuation of nothing', 1002, [frame({ opcode: 0 })]],
    ['text within fragmented text', 1002, [frame({ fin: false }), frame({})]],
    ['a close with an illegal code', 1002, [closeWith(1005)]],
    ['a close of one byte', 1002, [frame({ opcode: 8, payload: Buffer.from([3]) })]],
    ['text that is no UTF-8', 1007, [frame({ payload: Buffer.from([0xc3, 0x28]) })]],
    ['a header that claims too much', 1009, [frame({ claimedBytes: oversize })]],
    ['a header that claims 2^40 bytes', 1009, [frame({ claimedBytes: 2 ** 40 })]],
    [
      'fragments that are too much together',
      1009,
      [
        frame({ fin: false, payload: Buffer.alloc(40_000, 32) }),
        frame({ opcode: 0, payload: Buffer.alloc(40_000, 32) }),
      ],
    ],
  ])('%s: closed with %i, and a bystander is unaffected', async (_, code, chunks) => {
    await withBystander(async () => {
      expect(await speak(chunks)).toEqual({ closeCode: code })
    })
  })

  test('any bytes at all after the handshake: the server lives, and a bystander is unaffected', async () => {
    const anyFrame = fc
      .record({
        fin: fc.boolean(),
        rsv: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 7 })),
        opcode: fc.integer({ min: 0, max: 15 }),
        masked: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
        payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      })
      .map(encodeFrame)
    const hello = fc.constant(textFrame(JSON.stringify({ type: 'hello', instance: 'fuzz' })))
    const junk = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    const anyText = fc.json().map(textFrame)
    await withBystander(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(hello, anyFrame, anyText, junk), { minLength: 1, maxLength: 6 }),
          async (chunks) => void (await speak(chunks, 'hang up')),
        ),
        { numRuns: 100 },
      ),
    )
  })
})
