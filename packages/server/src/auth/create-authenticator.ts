import type { UserId } from '@holdfast/protocol'
import type { Access, Authenticator, BearerVerifier, Credentials } from './authenticator.ts'
import type { CookiePolicy } from './cookie-policy.ts'
import type { Sessions } from './sessions.ts'
import type { Tickets } from './tickets.ts'

export interface AuthenticatorOptions {
  readonly cookies: Pick<CookiePolicy, 'name'>
  readonly sessions: Pick<Sessions, 'find'>
  readonly tickets: Pick<Tickets, 'find'>
  readonly bearers: readonly BearerVerifier[]
  /** Who may look at the whole server, once they have signed in: no token that was handed out does. */
  readonly admins: ReadonlySet<UserId>
  /** Where nobody is simulated, a simulated user is nobody: their rows may have come with a copied database. */
  readonly admitsSimulated: boolean
}

/** The one place that says what credentials are worth. */
export function createAuthenticator({
  cookies,
  sessions,
  tickets,
  bearers,
  admins,
  admitsSimulated,
}: AuthenticatorOptions): Authenticator {
  const find = async ({ bearer, cookie, ticket }: Credentials): Promise<Access | null> => {
    if (ticket !== undefined) return tickets.find(ticket)
    // A failed bearer never falls back to the cookie.
    if (bearer !== null)
      return (await bearers.find((verifier) => verifier.claims(bearer))?.verify(bearer)) ?? null
    return cookie === null ? null : sessions.find(cookie)
  }
  return {
    get cookieName() {
      return cookies.name
    },
    async authenticate(credentials) {
      const access = await find(credentials)
      if (access?.principal.kind === 'simulated') return admitsSimulated ? access : null
      // Only what may change an account is more than a token that somebody handed out.
      if (access === null || !access.scopes.includes('account') || !admins.has(access.principal.userId))
        return access
      return { ...access, scopes: [...access.scopes, 'admin'] }
    },
  }
}
