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
}
