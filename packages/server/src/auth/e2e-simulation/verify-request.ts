import { timingSafeEqual } from 'node:crypto'
import { e2eLimits, macOf } from '@holdfast/protocol/e2e'
import type { SignedRequest } from './simulation.ts'

export interface ActiveKey {
  readonly id: string
  readonly text: string
}

export interface Verified {
  readonly keyId: string
  readonly nonce: string
}

/**
 * Is the request signed, with a key that is good, for this host and this minute? null: no, and nobody learns which of
 * these it was. Every key is tried and compared in constant time, whatever came before: how long it takes says nothing.
 *
 * @param host as the deployment is configured, never as the request names it
 */
export function verifyRequest(
  { method, path, headers, body }: SignedRequest,
  {
    keys,
    host,
    nowMs,
  }: { readonly keys: readonly ActiveKey[]; readonly host: string; readonly nowMs: number },
): Verified | null {
  // A header that came twice is an array, and none.
  const header = (name: string): string => {
    const value = headers[name]
    return typeof value === 'string' ? value : ''
  }
  const claimedId = header('x-e2e-key-id')
  const timestamp = header('x-e2e-timestamp')
  const nonce = header('x-e2e-nonce')
  const [, hex = ''] = /^v1=([0-9a-f]{64})$/.exec(header('x-e2e-signature')) ?? []
  const given = Buffer.alloc(32)
  given.write(hex, 'hex')

  let keyId: string | null = null
  for (const { id, text } of keys) {
    const mac = macOf(text, { method, host, path, timestamp, nonce }, body)
    const isSame = timingSafeEqual(mac, given)
    if (isSame && id === claimedId) keyId = id
  }
  const isWhole = hex !== '' && /^\d{1,12}$/.test(timestamp) && /^[\w-]{22}$/.test(nonce)
  const isInTime = Math.abs(nowMs / 1000 - Number(timestamp)) <= e2eLimits.skewSeconds
  return keyId !== null && isWhole && isInTime ? { keyId, nonce } : null
}
