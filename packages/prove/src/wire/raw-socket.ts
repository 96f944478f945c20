import { randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { wireVersion } from '@holdfast/protocol'
import { within } from './socket.ts'

/** A WebSocket without a library between: it can send what no library would. */
export interface RawSocket {
  /** The status line's code; null: no HTTP answer. */
  readonly status: number | null
  write(bytes: Uint8Array): void
  /** The close code the server sent; 1006: it ended without one; null: it did neither within the time. */
  closeCode(timeoutMs: number): Promise<number | null>
  destroy(): void
}

/** One frame, masked as RFC 6455 wants of clients, or not. */
export function rawFrame(options: {
  readonly opcode: number
  readonly payload?: Uint8Array
  readonly fin?: boolean
  readonly rsv?: number
  readonly masked?: boolean
  /** What the header announces, where it is not what follows. */
  readonly announce?: number
}): Buffer {
  const payload = Buffer.from(options.payload ?? new Uint8Array())
  const length = options.announce ?? payload.length
  const first = (options.fin === false ? 0 : 0x80) | ((options.rsv ?? 0) << 4) | options.opcode
  const masked = options.masked !== false
  const flag = masked ? 0x80 : 0
  const head =
    length < 126
      ? Buffer.from([first, flag | length])
      : length < 65_536
        ? Buffer.from([first, flag | 126, length >> 8, length & 0xff])
        : (() => {
            const long = Buffer.alloc(10)
            long[0] = first
            long[1] = flag | 127
            long.writeBigUInt64BE(BigInt(length), 2)
            return long
          })()
  if (!masked) return Buffer.concat([head, payload])
  const mask = randomBytes(4)
  const body = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
  return Buffer.concat([head, mask, body])
}

export async function openRawSocket(options: {
  readonly url: string
  readonly token: string | null
  readonly timeoutMs: number
  readonly ca?: string | null
}): Promise<RawSocket> {
  const url = new URL('/v1/ws', options.url)
  const secure = url.protocol === 'https:'
  const port = Number(url.port) || (secure ? 443 : 80)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket: Socket = secure
    ? connectTls({ host, port, servername: host, ...(options.ca == null ? {} : { ca: options.ca }) })
    : connectTcp({ host, port })
  let seen = Buffer.alloc(0)
  let ended = false
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher()
  }
  socket.on('data', (chunk: Buffer) => {
    // A server that talks without end is not listened to without end.
    if (seen.length < 4 * 1024 * 1024) seen = Buffer.concat([seen, chunk])
    changed()
  })
  for (const event of ['end', 'close', 'error'] as const)
    socket.on(event, () => {
      ended = true
      changed()
    })
  /** null: not within the time, or the connection ended before. */
  const until = async <T>(look: () => T | null, timeoutMs: number): Promise<T | null> => {
    const { promise, resolve } = Promise.withResolvers<T | null>()
    const watcher = (): void => {
      const found = look()
      if (found !== null || ended) resolve(found)
    }
    watchers.add(watcher)
    watcher()
    const found = await within(promise, timeoutMs)
    watchers.delete(watcher)
    return found
  }

  socket.write(
    [
      `GET ${url.pathname} HTTP/1.1`,
      `Host: ${url.host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Sec-WebSocket-Protocol: ${wireVersion}`,
      ...(options.token === null ? [] : [`Authorization: Bearer ${options.token}`]),
      '',
      '',
    ].join('\r\n'),
  )
  const headEnd = await until(() => {
    const at = seen.indexOf('\r\n\r\n')
    return at === -1 ? null : at + 4
  }, options.timeoutMs)
  const [, code] = /^HTTP\/1\.1 (\d{3})/.exec(seen.toString('latin1', 0, 20)) ?? []
  const frames = headEnd ?? 0
  return {
    status: headEnd === null || code === undefined ? null : Number(code),
    write: (bytes) => void socket.write(bytes),
    async closeCode(timeoutMs) {
      const found = await until(() => findClose(seen.subarray(frames)), timeoutMs)
      return found ?? (ended ? 1006 : null)
    },
    destroy: () => void socket.destroy(),
  }
}

/** Walks the frames of a server, which are not masked, to its close frame. */
function findClose(bytes: Buffer): number | null {
  let at = 0
  while (at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 0x0f
    let length = (bytes[at + 1] ?? 0) & 0x7f
    let start = at + 2
    if (length === 126) {
      if (start + 2 > bytes.length) return null
      length = bytes.readUInt16BE(start)
      start += 2
    } else if (length === 127) {
      if (start + 8 > bytes.length) return null
      length = Number(bytes.readBigUInt64BE(start))
      start += 8
    }
    if (start + length > bytes.length) return null
    if (opcode === 8) return length >= 2 ? bytes.readUInt16BE(start) : 1005
    at = start + length
  }
  return null
}
