import type { Authenticator, BearerVerifier } from './authenticator.ts'
import type { CookiePolicy } from './cookie-policy.ts'
import type { Sessions } from './sessions.ts'
import type { Tickets } from './tickets.ts'

export interface AuthenticatorOptions {
  readonly cookies: Pick<CookiePolicy, 'name'>
  readonly sessions: Pick<Sessions, 'find'>
  readonly tickets: Pick<Tickets, 'find'>
  readonly bearers: readonly BearerVerifier[]
}

/** The one place that says what credentials are worth. */
export function createAuthenticator({
  cookies,
  sessions,
  tickets,
  bearers,
}: AuthenticatorOptions): Authenticator {
  return {
    get cookieName() {
      return cookies.name
    },
    async authenticate({ bearer, cookie, ticket }) {
      if (ticket !== undefined) return tickets.find(ticket)
      // A failed bearer never falls back to the cookie.
      if (bearer !== null)
        return (await bearers.find((verifier) => verifier.claims(bearer))?.verify(bearer)) ?? null
      return cookie === null ? null : sessions.find(cookie)
    },
  }
}
