import type { IncomingMessage } from 'node:http'
import { type ErrorCode, wireVersion } from '@holdfast/protocol'
import type { Audit } from '../auth/audit.ts'
import type { Authenticator, BrowserBoundary, Credentials } from '../auth/authenticator.ts'
import { clientAddress } from '../auth/client-address.ts'
import { readCredentials } from '../auth/credentials.ts'
import type { Tickets } from '../auth/tickets.ts'
import type { Handshake } from './connection.ts'

export interface Refusal {
  readonly kind: 'refuse'
  readonly code: ErrorCode
  readonly detail: string
}

export type UpgradeVerdict =
  | Refusal
  | { readonly kind: 'accept'; readonly handshake: Handshake }
  /** A browser cannot read a refused handshake: it is let in to be told why it has to go. */
  | { readonly kind: 'accept_to_close'; readonly code: 4501 | 4526 }

export interface UpgradeDeps {
  /** false while starting and while draining, and where more is coming than can be served in time. */
  readonly ready: () => boolean
  readonly authenticator: Authenticator
  readonly tickets: Pick<Tickets, 'redeem'>
  readonly audit: Pick<Audit, 'refused'>
  /** Proxies of ours before this server. */
  readonly proxyHops: number
  readonly boundary: BrowserBoundary
}

export const webSocketPath = '/v1/ws'

/** What asks to be let in, credentials apart. */
export type RequestVerdict =
  | Exclude<UpgradeVerdict, { kind: 'accept' }>
  | { readonly kind: 'ask_credentials'; readonly offered: readonly string[] }

/** In the order of the protocol: ready, path, host and origin, version. */
export function judgeRequest(
  { url, headers }: IncomingMessage,
  { ready, boundary }: Pick<UpgradeDeps, 'ready' | 'boundary'>,
): RequestVerdict {
  if (!ready()) return refuse('not_ready', 'The server takes no connections at the moment; try again')
  if ((url ?? '').split('?')[0] !== webSocketPath)
    return refuse('not_found', `WebSockets are at ${webSocketPath}`)
  if (!boundary.allowsHost(headers.host))
    return refuse('forbidden', 'This server answers to its own address only')
  if (headers.origin !== undefined && !boundary.allowsOrigin(headers.origin))
    return refuse('forbidden', 'Pages of other origins may not connect')
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
  if (offered !== undefined && !offered.includes(wireVersion))
    // Also a program that is not a browser: the WebSocket of Node shows it no status either.
    return otherVersion(offered) === null
      ? refuse('bad_request', `This server speaks ${wireVersion}`)
      : { kind: 'accept_to_close', code: 4526 }
  return { kind: 'ask_credentials', offered: offered ?? [] }
}

/** Costs a question to the database, and a ticket its life: the request has its place on this node by now. */
export async function judgeCredentials(
  request: IncomingMessage,
  offered: readonly string[],
  deps: UpgradeDeps,
): Promise<UpgradeVerdict> {
  const { headers } = request
  const credentials = await handshakeCredentials(request, offered, deps)
  if (credentials !== null) {
    if (showsNothing(credentials)) return { kind: 'accept', handshake: { access: null, credentials } }
    const access = await deps.authenticator.authenticate(credentials)
    if (access?.scopes.includes('read') === true)
      return { kind: 'accept', handshake: { access, credentials } }
  }
  deps.audit.refused('credentials_refused', {
    address: clientAddress(request, deps.proxyHops),
    agent: headers['user-agent'] ?? null,
  })
  return headers.origin === undefined
    ? refuse('unauthenticated', 'The credentials are not valid, or not anymore')
    : { kind: 'accept_to_close', code: 4501 }
}

const showsNothing = ({ bearer, cookie, ticket }: Credentials): boolean =>
  bearer === null && cookie === null && ticket === undefined

const ticketProtocol = 'holdfast.ticket.'

/** A ticket was asked for on purpose: it beats the cookie, and one that fails does not fall back to it. null: it failed. */
async function handshakeCredentials(
  { headers }: IncomingMessage,
  offered: readonly string[],
  { authenticator, tickets }: UpgradeDeps,
): Promise<Credentials | null> {
  const credentials = readCredentials(headers, authenticator.cookieName)
  const ticket = offered.find((name) => name.startsWith(ticketProtocol))?.slice(ticketProtocol.length)
  if (credentials.bearer !== null || ticket === undefined) return credentials
  return (await tickets.redeem(ticket, headers.origin ?? null))
    ? { bearer: null, cookie: null, ticket }
    : null
}

/** The subprotocol in which a client of another version can be told so; a ticket is never one. */
export function otherVersion(offered: Iterable<string>): string | null {
  for (const name of offered) if (/^holdfast\.v\d+$/.test(name)) return name
  return null
}

function refuse(code: ErrorCode, detail: string): Refusal {
  return { kind: 'refuse', code, detail }
}
