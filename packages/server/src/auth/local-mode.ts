import type { UserId } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import type { Authenticator, BrowserBoundary, Sessions } from './authenticator.ts'
import { isLoopbackHost, isLoopbackOrigin } from './loopback.ts'
import { digest, findBySecret, newSecret, type RandomBytes } from './secrets.ts'

export const localModeLimits = {
  /** A printed link that nobody opened stops working. */
  linkMs: 10 * 60_000,
  /** Unused links kept at a time; a further one retires the oldest. */
  links: 20,
  /** A browser's session; it also ends with the server process, which keeps sessions in memory only. */
  sessionMs: 30 * 24 * 60 * 60_000,
  /** Sessions kept at a time; a further one retires the oldest. */
  sessions: 100,
} as const

export interface LocalModeOptions {
  readonly userId: UserId
  /** Where the server listens. Asked when needed: with port 0 it is known only after listening. */
  readonly url: () => string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: RandomBytes
}

/** One person, one machine: who can read the terminal or the data directory is the user. */
export interface LocalMode extends Authenticator, Sessions, BrowserBoundary {
  onRevoke(listener: (userId: UserId) => void): () => void
  /** A new one-time link, `http://127.0.0.1:PORT/login#token=…`: the fragment never reaches a log or a referrer. */
  loginLink(): string
  /** The bearer token for programs of the same user on this machine; see local-access.ts. */
  readonly token: string
}

interface Entry {
  readonly digest: Buffer
  readonly expiresAtMs: number
}

/**
 * Local mode (auth without an identity provider, bound to loopback). Secrets have 256 random bits and only their
 * SHA-256 is kept, except the bearer token, which its owner has to be able to hand out.
 */
export function createLocalMode({ userId, url, now, random }: LocalModeOptions): LocalMode {
  const principal: Principal = { kind: 'local', userId }
  const token = newSecret(random)
  const bearers: readonly Entry[] = [{ digest: digest(token), expiresAtMs: Number.POSITIVE_INFINITY }]
  const links = new Set<Entry>()
  const sessions = new Set<Entry>()
  const revocationListeners = new Set<(userId: UserId) => void>()

  const issue = (entries: Set<Entry>, lifeMs: number, atMost: number): string => {
    for (const entry of entries) if (entry.expiresAtMs <= now()) entries.delete(entry)
    // A Set iterates in the order of insertion: the first is the oldest.
    for (const oldest of entries) {
      if (entries.size < atMost) break
      entries.delete(oldest)
    }
    const secret = newSecret(random)
    entries.add({ digest: digest(secret), expiresAtMs: now() + lifeMs })
    return secret
  }
  const find = (entries: Iterable<Entry>, secret: string): Entry | null => {
    const entry = findBySecret(entries, secret)
    return entry !== null && entry.expiresAtMs > now() ? entry : null
  }

  return {
    token,
    get cookieName() {
      // Cookies do not know ports: two servers on one machine would overwrite each other's.
      return `holdfast_${portOf(url())}`
    },
    async authenticate({ bearer, cookie }) {
      if (bearer !== null) return find(bearers, bearer) === null ? null : principal
      return cookie !== null && find(sessions, cookie) !== null ? principal : null
    },
    loginLink: () => `${url()}/login#token=${issue(links, localModeLimits.linkMs, localModeLimits.links)}`,
    cookieMaxAgeSeconds: localModeLimits.sessionMs / 1000,
    async exchange(linkToken) {
      const link = find(links, linkToken)
      if (link === null) return null
      links.delete(link)
      return issue(sessions, localModeLimits.sessionMs, localModeLimits.sessions)
    },
    async end(cookie) {
      const session = findBySecret(sessions, cookie)
      if (session === null) return
      sessions.delete(session)
      for (const listener of revocationListeners) listener(userId)
    },
    onRevoke(listener) {
      revocationListeners.add(listener)
      return () => void revocationListeners.delete(listener)
    },
    allowsHost: isLoopbackHost,
    allowsOrigin: (origin) => isLoopbackOrigin(origin, portOf(url())),
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port || 80)
}
