import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto'

/** Fills the array with random bytes of cryptographic quality. */
export type RandomBytes = (bytes: Uint8Array) => void

export const systemRandom: RandomBytes = (bytes) => void randomFillSync(bytes)

/** 256 random bits as 43 base64url characters. */
export function newSecret(random: RandomBytes): string {
  const bytes = new Uint8Array(32)
  random(bytes)
  return Buffer.from(bytes).toString('base64url')
}

/** What is kept of a secret: whoever reads our memory or files learns nothing that opens a door. */
export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest()
}

/** The same as the store keeps it. Looked up by equality: whoever has a digest has not the secret that makes it. */
export function hexDigest(secret: string): string {
  return digest(secret).toString('hex')
}

/** Is `secret` the one of this digest? In constant time. */
export function matches(secret: string, hex: string): boolean {
  return timingSafeEqual(digest(secret), Buffer.from(hex, 'hex'))
}

/**
 * The holder whose digest belongs to `secret`. Every holder is compared, in constant time and without an early
 * exit, so that the answer's time tells nothing about how near a guess came.
 */
export function findBySecret<Holder extends { readonly digest: Buffer }>(
  holders: Iterable<Holder>,
  secret: string,
): Holder | null {
  const wanted = digest(secret)
  let found: Holder | null = null
  for (const holder of holders) if (timingSafeEqual(holder.digest, wanted)) found = holder
  return found
}
