/** How cookies are set. */
export interface CookiePolicy {
  /** Of the session's cookie. */
  readonly name: string
  /** Of the cookie that holds a sign-in under way. */
  readonly attemptName: string
  readonly secure: boolean
}

/**
 * No script reads it, and no other site's form sends it. Lax and not strict: the provider sends the browser back by a
 * link of its own. Whoever takes one away says all of it again: browsers hold on to a `__Host-` cookie otherwise.
 */
export function cookieOptions({ secure }: Pick<CookiePolicy, 'secure'>) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure } as const
}

/**
 * Over https the name itself binds the cookie to this very host (`__Host-`): no neighbour under the same domain can
 * plant one. Over http, which is loopback only, the name carries the port instead: cookies do not know ports, and two
 * servers on one machine would overwrite each other's.
 *
 * @param url where browsers reach this server; asked when needed: with port 0 it is known only after listening
 */
export function cookiePolicy(url: () => string): CookiePolicy {
  const isSecure = (): boolean => new URL(url()).protocol === 'https:'
  const port = (): string => new URL(url()).port || '80'
  return {
    get name() {
      return isSecure() ? '__Host-sid' : `holdfast_${port()}`
    },
    get attemptName() {
      return isSecure() ? '__Host-login' : `holdfast_login_${port()}`
    },
    get secure() {
      return isSecure()
    },
  }
}
