import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { CloseLine, RefusedLine } from '../history/lines.ts'
import { createRecorder, type Recorder } from '../history/recorder.ts'
import { openSocket } from './socket.ts'
import { drip, openTcp } from './tcp.test-support.ts'

/** Accepts the handshake, then gives the connection and each chunk of the client to `then`. */
const accept =
  (then: (socket: Socket, chunk: Buffer) => void) =>
  (socket: Socket): void => {
    socket.once('data', (head: Buffer) => {
      const [, key = ''] = /sec-websocket-key: (\S+)/i.exec(head.toString()) ?? []
      const hash = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${hash}\r\nSec-WebSocket-Protocol: holdfast.v1\r\n\r\n`,
      )
      socket.on('data', (chunk: Buffer) => then(socket, chunk))
      then(socket, Buffer.alloc(0))
    })
  }

const isClose = (chunk: Buffer): boolean => ((chunk[0] ?? 0) & 0x0f) === 8
const closeFrame = (code: number): Buffer => Buffer.from([0x88, 2, code >> 8, code & 0xff])
const textFrame = (bytes: number): Buffer => {
  const frame = Buffer.alloc(10 + bytes, 0x20)
  frame[0] = 0x81
  frame[1] = 127
  frame.writeBigUInt64BE(BigInt(bytes), 2)
  return frame
}
const closes = (recorder: Recorder) => recorder.lines.filter((line): line is CloseLine => line.k === 'close')
const refusals = (recorder: Recorder) =>
  recorder.lines.filter((line): line is RefusedLine => line.k === 'refused')

test.each([1011, 1002])('a %i that answers our close is the server’s', async (code) => {
  using server = await openTcp(
    accept((socket, chunk) => {
      if (isClose(chunk)) socket.end(closeFrame(code))
    }),
  )
  const recorder = createRecorder()
  const socket = await openSocket(recorder, server.url, { timeoutMs: 2_000 })
  await socket.close()
  expect(closes(recorder)).toMatchObject([{ code, by: 'server' }])
})

test('a close of ours that is answered, or cut, is ours', async () => {
  using server = await openTcp(
    accept((socket, chunk) => {
      if (isClose(chunk)) socket.end(closeFrame(1000))
    }),
  )
  const recorder = createRecorder()
  await (await openSocket(recorder, server.url, { timeoutMs: 2_000 })).close()
  const cut = await openSocket(recorder, server.url, { timeoutMs: 2_000 })
  cut.cut()
  await cut.closed(2_000)
  expect(closes(recorder)).toMatchObject([
    { code: 1000, by: 'we', reason: '' },
    { code: 1006, by: 'we', reason: '' },
  ])
})

test('a close of ours that nobody answers is ours, and says so', async () => {
  using server = await openTcp(
    accept((socket, chunk) => {
      if (isClose(chunk)) socket.destroy()
    }),
  )
  const recorder = createRecorder()
  await (await openSocket(recorder, server.url, { timeoutMs: 2_000 })).close()
  expect(closes(recorder)).toMatchObject([{ code: 1006, by: 'we', reason: 'our close was not answered' }])
})

const dripsAHead = 'HTTP/1.1 101 Switching Protocols\r\nX-Padding: '
const dripsABody = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n'

test.each([
  ['head', dripsAHead],
  ["refusal's body", dripsABody],
])('a handshake whose %s drips is given up in time', async (_, begin) => {
  using server = await openTcp((socket) =>
    socket.once('data', () => {
      socket.write(begin)
      drip(socket, 'x', 20)
    }),
  )
  const recorder = createRecorder()
  const began = performance.now()
  const socket = await openSocket(recorder, server.url, { timeoutMs: 300 })
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(socket.isOpen).toBe(false)
  expect(refusals(recorder)).toHaveLength(1)
})

test('a server that talks without end is let go when the history is full', async () => {
  using server = await openTcp(
    accept((socket, chunk) => {
      if (chunk.length > 0) return
      const more = (): void => {
        while (!socket.destroyed && socket.write(textFrame(64 * 1024)));
      }
      socket.on('drain', more)
      more()
    }),
  )
  const recorder = createRecorder({ totalBytes: 1024 * 1024 })
  const socket = await openSocket(recorder, server.url, { timeoutMs: 2_000 })
  expect(await socket.closed(5_000)).toMatchObject({ code: 1006 })
  expect(recorder.isFull).toBe(true)
  // What is known of the end needs no room.
  recorder.fact('ended', { seconds: 1 })
  expect(recorder.lines.at(-1)).toMatchObject({ k: 'fact', name: 'ended' })
})
