import { HoldfastError, type Scope } from '@holdfast/protocol'
import type { FastifyRequest } from 'fastify'
import type { AuditSource } from '../auth/audit.ts'
import type { Access, Credentials } from '../auth/authenticator.ts'
import { clientAddress } from '../auth/client-address.ts'
import { readCredentials } from '../auth/credentials.ts'
import { judgeCookieRequest, safeMethods } from '../auth/csrf.ts'
import type { Principal } from '../principal.ts'
import type { HttpDeps } from './deps.ts'

export interface Admitted {
  readonly access: Access
  readonly credentials: Credentials
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whoever asks is a persona of a test: the answer says so. */
    simulated: boolean
  }
}

export const simulatedHeader = 'x-holdfast-simulated'

type Guards = Pick<HttpDeps, 'authenticator' | 'boundary' | 'audit' | 'proxyHops'>

/** From where a request comes, for the audit log and for limits of those who are not known yet. */
export function sourceOf(request: FastifyRequest, { proxyHops }: Pick<HttpDeps, 'proxyHops'>): AuditSource {
  return { address: clientAddress(request.raw, proxyHops), agent: header(request, 'user-agent') ?? null }
}

/** @throws {HoldfastError} forbidden: the request was addressed to a name that is not ours (DNS rebinding) */
export function guardHost(request: FastifyRequest, guards: Guards): void {
  const { boundary } = guards
  if (boundary.probesByAddress && request.url.startsWith('/health/')) return
  if (boundary.allowsHost(request.headers.host)) return
  guards.audit.refused('request_refused', sourceOf(request, guards))
  throw new HoldfastError(
    'forbidden',
    'This server answers to its own address only; open the address that it printed at its start',
  )
}

/** @throws {HoldfastError} forbidden: not from our own page */
export function guardOrigin(request: FastifyRequest, guards: Guards): void {
  const verdict = judgeCookieRequest(
    {
      method: request.method,
      secFetchSite: header(request, 'sec-fetch-site'),
      origin: request.headers.origin,
      contentType: request.headers['content-type'],
    },
    (origin) => guards.boundary.allowsOrigin(origin),
  )
  if (verdict.ok) return
  guards.audit.refused('request_refused', sourceOf(request, guards))
  throw new HoldfastError('forbidden', verdict.why)
}

/**
 * Who asks, and may they. Every route that touches anything of anybody calls this first, or `authenticate`.
 * @param needs default: `read` for methods that change nothing, `write` for the others
 * @throws {HoldfastError} unauthenticated; forbidden: an unsafe method on the strength of a cookie from elsewhere, or
 *   credentials that are not meant for this
 */
export async function admit(
  request: FastifyRequest,
  guards: Guards,
  needs: Scope = safeMethods.has(request.method) ? 'read' : 'write',
): Promise<Admitted> {
  const credentials = readCredentials(request.headers, guards.authenticator.cookieName)
  const access = await guards.authenticator.authenticate(credentials)
  if (access === null) {
    if (credentials.bearer !== null || credentials.cookie !== null)
      guards.audit.refused('credentials_refused', sourceOf(request, guards))
    throw new HoldfastError(
      'unauthenticated',
      'Sign in at /login with a browser, or send a valid token as Authorization: Bearer',
    )
  }
  request.simulated = access.principal.kind === 'simulated'
  if (credentials.bearer === null) guardOrigin(request, guards)
  if (!access.scopes.includes(needs))
    throw new HoldfastError(
      'forbidden',
      needs === 'admin'
        ? 'Only whoever runs this server may see that: users whom HOLDFAST_ADMINS names, signed in with a browser'
        : needs === 'account'
          ? 'A token cannot change the account that it belongs to; sign in with a browser'
          : `This token is not meant for that: it needs the scope "${needs}"; make another one`,
    )
  return { access, credentials }
}

/** `admit` for those who need no more than who it is. */
export async function authenticate(request: FastifyRequest, guards: Guards): Promise<Principal> {
  const { access } = await admit(request, guards)
  return access.principal
}

/** Did a browser send this? Programs send neither header. */
export function fromBrowser(request: FastifyRequest): boolean {
  return header(request, 'sec-fetch-site') !== undefined || request.headers.origin !== undefined
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/**
 * Trying to sign in costs this server and the provider work, and nobody is known yet: counted by address, in the store.
 * @throws {QuotaReachedError}
 */
export async function countSignIn(request: FastifyRequest, deps: HttpDeps): Promise<AuditSource> {
  const source = sourceOf(request, deps)
  await deps.quotas.take(`address/${source.address ?? 'unknown'}`, { sign_ins: 1 })
  return source
}
