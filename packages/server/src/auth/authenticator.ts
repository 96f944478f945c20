import type { Scope, SessionId, TokenId } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'

/** The credentials a request or a handshake carries, whichever there are. Bearer beats cookie. */
export interface Credentials {
  readonly bearer: string | null
  readonly cookie: string | null
  /** Of a WebSocket, once `redeem` has said that it is good; nothing else is asked then. */
  readonly ticket?: string
}

/** By what somebody is known, for tickets and for the audit log. */
export type Proof =
  | { readonly kind: 'session'; readonly id: SessionId; readonly digest: string }
  | { readonly kind: 'token'; readonly id: TokenId }
  /** A bearer token that somebody else issues, or that lives as long as this process. */
  | { readonly kind: 'bearer' }
  | { readonly kind: 'ticket' }

/** Who asks, what for, until when. */
export interface Access {
  readonly principal: Principal
  readonly scopes: readonly Scope[]
  /** When the credentials end by time, in ms since 1970; null: they do not. */
  readonly endsAtMs: number | null
  readonly proof: Proof
}

export interface Authenticator {
  /** The name of the cookie that carries a session; in local mode it holds the port. */
  readonly cookieName: string
  /** null: nobody, or not anymore. A failed bearer never falls back to the cookie. */
  authenticate(credentials: Credentials): Promise<Access | null>
}

/** A kind of bearer token. */
export interface BearerVerifier {
  /** Is it of this kind, good or not? Then no other kind is tried. */
  claims(bearer: string): boolean
  verify(bearer: string): Promise<Access | null>
}

/** Which names and pages may speak to this server from inside a browser. */
export interface BrowserBoundary {
  /** Of the `Host` header: a name that resolves here but is not ours is DNS rebinding. */
  allowsHost(host: string | undefined): boolean
  /** Probes of a platform may use an address in place of the name. */
  readonly probesByAddress: boolean
  /** Exact origins, scheme and port included. */
  allowsOrigin(origin: string): boolean
}
