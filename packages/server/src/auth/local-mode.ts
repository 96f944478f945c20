import type { UserId } from '@holdfast/protocol'
import { isLoopbackHost, isLoopbackOrigin } from '../environment/loopback.ts'
import type { Access, BearerVerifier, BrowserBoundary } from './authenticator.ts'
import { digest, findBySecret, newSecret, type RandomBytes } from './secrets.ts'
import type { OpenedSession, Sessions } from './sessions.ts'
import type { Users } from './users.ts'

export const localModeLimits = {
  /** A printed link that nobody opened stops working. */
  linkMs: 10 * 60_000,
  /** Unused links kept at a time; a further one retires the oldest. */
  links: 20,
  /** A browser's session. Nobody can take the machine's place: it has no shorter idle time. */
  sessionMs: 30 * 24 * 60 * 60_000,
} as const

export interface LocalModeOptions {
  readonly userId: UserId
  readonly sessions: Pick<Sessions, 'open'>
  readonly users: Pick<Users, 'isEnabled'>
  /** Where the server listens. Asked when needed: with port 0 it is known only after listening. */
  readonly url: () => string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: RandomBytes
}

/** One person, one machine: who can read the terminal or the data directory is the user. */
export interface LocalMode extends BearerVerifier, BrowserBoundary {
  /** A new one-time link, `http://127.0.0.1:PORT/login#token=…`: the fragment never reaches a log or a referrer. */
  loginLink(): string
  /** null: the link's token is unknown, used or too old. */
  exchange(linkToken: string): Promise<OpenedSession | null>
  /** The bearer token for programs of the same user on this machine; see local-access.ts. */
  readonly token: string
}

interface Link {
  readonly digest: Buffer
  readonly expiresAtMs: number
}

/**
 * Local mode (auth without an identity provider, bound to loopback). Secrets have 256 random bits and only their
 * SHA-256 is kept, except the bearer token, which its owner has to be able to hand out; it ends with the process.
 */
export function createLocalMode({ userId, sessions, users, url, now, random }: LocalModeOptions): LocalMode {
  const access: Access = {
    principal: { kind: 'local', userId },
    scopes: ['read', 'write', 'account'],
    endsAtMs: null,
    proof: { kind: 'bearer' },
  }
  const token = newSecret(random)
  const bearers = [{ digest: digest(token) }]
  const links = new Set<Link>()

  const retire = (): void => {
    for (const link of links) if (link.expiresAtMs <= now()) links.delete(link)
    // A Set iterates in the order of insertion: the first is the oldest.
    for (const oldest of links) {
      if (links.size < localModeLimits.links) break
      links.delete(oldest)
    }
  }

  return {
    token,
    // Every bearer token that is of no other kind.
    claims: () => true,
    async verify(bearer) {
      if (findBySecret(bearers, bearer) === null) return null
      return (await users.isEnabled(userId)) ? access : null
    },
    loginLink() {
      retire()
      const secret = newSecret(random)
      links.add({ digest: digest(secret), expiresAtMs: now() + localModeLimits.linkMs })
      return `${url()}/login#token=${secret}`
    },
    async exchange(linkToken) {
      const link = findBySecret(links, linkToken)
      if (link === null || link.expiresAtMs <= now()) return null
      links.delete(link)
      return sessions.open(userId)
    },
    allowsHost: isLoopbackHost,
    probesByAddress: false,
    allowsOrigin: (origin) => isLoopbackOrigin(origin, portOf(url())),
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port || 80)
}
