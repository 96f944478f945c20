import { createHmac, timingSafeEqual } from 'node:crypto'
import { newSecret, type RandomBytes } from './secrets.ts'

/**
 * A sign-in that is under way at the provider. Nothing of it is stored here: its values are made of a secret that only
 * the browser has, in a cookie, so that any node can take the answer, and no other browser can bring it.
 */
export interface SignInAttempt {
  /** Goes to the provider and comes back with the answer. */
  readonly state: string
  /** The provider puts it into the ID token. */
  readonly nonce: string
  /** PKCE: shown with the code; the provider has its SHA-256 from before. */
  readonly verifier: string
  /** For the cookie. */
  readonly cookie: string
  /** Where on this server the user wanted to go. */
  readonly returnTo: string
}

/** From leaving for the provider to coming back. */
export const attemptMs = 10 * 60_000

/** Of what a cookie carries. */
const longestPath = 1_000

interface Carried {
  readonly expiresAtMs: number
  readonly secret: string
  readonly returnTo: string
}

function readCookie(cookie: string | undefined, nowMs: number): Carried | null {
  const [, expires = '', secret = '', returnTo = ''] =
    /^(\d{13})\.([\w-]{43})\.([\w-]*)$/.exec(cookie ?? '') ?? []
  const expiresAtMs = Number(expires)
  if (secret === '' || expiresAtMs <= nowMs || expiresAtMs > nowMs + attemptMs) return null
  // A cookie is what a browser says: where it leads is looked at again.
  return { expiresAtMs, secret, returnTo: localPath(Buffer.from(returnTo, 'base64url').toString('utf8')) }
}

function derive(secret: string, purpose: string, transaction: string): string {
  return createHmac('sha256', secret).update(`${purpose}.${transaction}`).digest('base64url')
}

function attemptOf({ expiresAtMs, secret, returnTo }: Carried, transaction: string): SignInAttempt {
  return {
    state: `${transaction}.${derive(secret, 'state', transaction)}`,
    nonce: derive(secret, 'nonce', transaction),
    verifier: derive(secret, 'verifier', transaction),
    cookie: `${expiresAtMs}.${secret}.${Buffer.from(returnTo, 'utf8').toString('base64url')}`,
    returnTo,
  }
}

/** @param cookie of an attempt that this browser began before: another tab of it may still come back */
export function beginAttempt(
  cookie: string | undefined,
  returnTo: string,
  nowMs: number,
  random: RandomBytes,
): SignInAttempt {
  const secret = readCookie(cookie, nowMs)?.secret ?? newSecret(random)
  return attemptOf({ expiresAtMs: nowMs + attemptMs, secret, returnTo }, newSecret(random))
}

/** null: not begun in this browser, or too long ago. */
export function resumeAttempt(
  cookie: string | undefined,
  state: string | null,
  nowMs: number,
): SignInAttempt | null {
  const carried = readCookie(cookie, nowMs)
  const transaction = /^([\w-]{43})\.[\w-]{43}$/.exec(state ?? '')?.[1]
  if (carried === null || transaction === undefined || state === null) return null
  const attempt = attemptOf(carried, transaction)
  return timingSafeEqual(Buffer.from(attempt.state), Buffer.from(state)) ? attempt : null
}

/** A path of this server, or its root: never another site's address, however it is spelt. */
export function localPath(raw: unknown): string {
  if (typeof raw !== 'string' || !raw.startsWith('/')) return '/'
  const here = 'http://here.invalid'
  const url = URL.parse(raw, here)
  // `/.//evil.test` is a path here, and what is left of it, `//evil.test`, another site's address.
  if (url === null || url.origin !== here || url.pathname.startsWith('//')) return '/'
  const path = `${url.pathname}${url.search}${url.hash}`
  return path.length > longestPath ? '/' : path
}
