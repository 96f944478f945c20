import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { makeId, openTestServer, type TestServer } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'

/** One frame as it stands on the line (RFC 6455, 5.2), with each of its rules to be broken. */
interface RawFrame {
  readonly first: number
  readonly payload?: Buffer
  readonly masked?: boolean
  /** What the head says, where it is not the truth. */
  readonly length?: number
}

function rawFrame({
  first,
  payload = Buffer.alloc(0),
  masked = true,
  length = payload.length,
}: RawFrame): Buffer {
  const head =
    length < 126
      ? Buffer.from([first, length])
      : length < 65_536
        ? Buffer.from([first, 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([first, 127]), uint64(length)])
  if (!masked) return Buffer.concat([head, payload])
  head[1] = (head[1] ?? 0) | 0x80
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const text = 0x81
const closing = (code: number, reason = Buffer.alloc(0)): Buffer => {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), reason])
  return rawFrame({ first: 0x88, payload })
}
const many = (count: number, frame: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => frame(index)))

const cases: readonly [string, Buffer, number][] = [
  ['an unmasked frame', rawFrame({ first: text, payload: Buffer.from('{}'), masked: false }), 1002],
  ['a reserved bit', rawFrame({ first: 0xc1, payload: Buffer.from('{}') }), 1002],
  ['a reserved opcode', rawFrame({ first: 0x83 }), 1002],
  ['a reserved control opcode', rawFrame({ first: 0x8b }), 1002],
  ['a ping in fragments', rawFrame({ first: 0x09 }), 1002],
  ['a ping over 125 bytes', rawFrame({ first: 0x89, payload: Buffer.alloc(126) }), 1002],
  ['a continuation of nothing', rawFrame({ first: 0x80, payload: Buffer.from('{}') }), 1002],
  [
    'a new message inside a fragmented one',
    Buffer.concat([rawFrame({ first: 0x01, payload: Buffer.from('{') }), rawFrame({ first: text })]),
    1002,
  ],
  ['a close with an illegal code', closing(1005), 1002],
  ['a close of one byte', rawFrame({ first: 0x88, payload: Buffer.alloc(1) }), 1002],
  ['a close whose reason is not UTF-8', closing(1000, Buffer.from([0xff])), 1007],
  ['text that is not UTF-8', rawFrame({ first: text, payload: Buffer.from([0xc3, 0x28]) }), 1007],
  [
    'a frame over the limit by its head, none of it sent',
    rawFrame({ first: text, length: 64 * 1024 + 1 }),
    1009,
  ],
  [
    'a length beyond what a number can hold',
    rawFrame({ first: text, length: Number.MAX_SAFE_INTEGER + 2 }),
    1009,
  ],
  [
    'a message over the limit by its fragments',
    many(17, (index) =>
      rawFrame({ first: index === 0 ? 0x01 : 0x00, payload: Buffer.alloc(4 * 1024, 0x20) }),
    ),
    1009,
  ],
]

async function rawSocket(server: TestServer): Promise<{ socket: Socket; closeCode: Promise<number> }> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  // The far side may reset the line after its close frame; what it said before counts.
  socket.on('error', () => {})
  socket.write(
    [
      'GET /v1/ws HTTP/1.1',
      `Host: ${hostname}:${port}`,
      `Authorization: Bearer ${server.token}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '',
      '',
    ].join('\r\n'),
  )
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<number>()
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    opened.resolve()
    // Before hello the server says nothing but its close: 88, a length, two bytes of code.
    const frame = received.subarray(end + 4)
    if (frame.length >= 4 && frame[0] === 0x88) closed.resolve(frame.readUInt16BE(2))
  })
  socket.on('close', () => closed.reject(new Error('The line ended without a close frame')))
  closed.promise.catch(() => {})
  await opened.promise
  return { socket, closeCode: closed.promise }
}

describe('what no WebSocket may say', () => {
  test.each(cases)('%s', async (_name, bytes, code) => {
    await using server = await openTestServer()
    const { id } = await server.threads.create(server.principal)
    const bystander = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
    bystander.send({
      type: 'hello',
      instance: 'bystander',
      subs: [{ stream: `thread/${id}`, after: 'head' }],
    })
    for (const type of ['ready', 'sub_ok', 'live'] as const) await bystander.next(type)

    const { socket, closeCode } = await rawSocket(server)
    socket.write(bytes)
    expect(await closeCode).toBe(code)
    socket.destroy()

    await server.append(
      id,
      { id: makeId('run'), agent: 'test' },
      { type: 'agent_thinking', data: { step: 1, text: 'still here' } },
    )
    expect(await bystander.events(1)).toMatchObject([{ seq: 1 }])
  })
})
