import type { UserId } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'

/** The credentials a request or a handshake carries, whichever there are. Bearer beats cookie. */
export interface Credentials {
  readonly bearer: string | null
  readonly cookie: string | null
}

export interface Authenticator {
  /** The name of the cookie that carries a session; in local mode it holds the port. */
  readonly cookieName: string
  /** null: nobody, or not anymore. A failed bearer never falls back to the cookie. */
  authenticate(credentials: Credentials): Promise<Principal | null>
  /** When credentials that are good stop being so by time, in ms since 1970. Absent, or null: they do not. */
  expiresAtMs?(credentials: Credentials): Promise<number | null>
  /** Something of this user's was revoked: open connections look again. Returns what removes the listener. */
  onRevoke?(listener: (userId: UserId) => void): () => void
}

/** Browser sessions: a one-time token in, the value of a cookie out. */
export interface Sessions {
  /** How long a browser keeps the cookie, in seconds. */
  readonly cookieMaxAgeSeconds: number
  /** null: the token is unknown, used or too old. */
  exchange(token: string): Promise<string | null>
  end(cookie: string): Promise<void>
}

/** Which names and pages may speak to this server from inside a browser. */
export interface BrowserBoundary {
  /** Of the `Host` header: a name that resolves here but is not ours is DNS rebinding. */
  allowsHost(host: string | undefined): boolean
  /** Exact origins, scheme and port included. */
  allowsOrigin(origin: string): boolean
}
