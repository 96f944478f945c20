import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { problem } from '@holdfast/protocol'
import type { RealtimeLimits } from './limits.ts'
import type { Schedule } from './schedule.ts'
import type { Refusal } from './upgrade.ts'

const retryAfterSeconds = 1

/**
 * Answers by a status and has done with the socket. HTTP gave it up when it saw the upgrade: nobody else ends it, and
 * what is only half closed would stay for as long as the other side likes.
 */
export function refuseUpgrade(
  socket: Duplex,
  { code, detail }: Omit<Refusal, 'kind'>,
  schedule: Schedule,
  { closeTimeoutMs }: Pick<RealtimeLimits, 'closeTimeoutMs'>,
): void {
  if (socket.destroyed) return
  const sent = problem(code, detail)
  const body = JSON.stringify(sent)
  // The other side does not read: the answer never leaves.
  const cancel = schedule(() => socket.destroy(), closeTimeoutMs)
  socket.once('close', cancel)
  socket.once('finish', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${sent.status} ${STATUS_CODES[sent.status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(sent.status === 503 || sent.status === 429 ? [`Retry-After: ${retryAfterSeconds}`] : []),
      ...(sent.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      '',
      body,
    ].join('\r\n'),
  )
}
