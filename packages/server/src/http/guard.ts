import { HoldfastError } from '@holdfast/protocol'
import type { FastifyRequest } from 'fastify'
import { readCredentials } from '../auth/credentials.ts'
import { judgeCookieRequest } from '../auth/csrf.ts'
import type { Principal } from '../principal.ts'
import type { HttpDeps } from './deps.ts'

type Guards = Pick<HttpDeps, 'authenticator' | 'boundary'>

/** @throws {HoldfastError} forbidden: the request was addressed to a name that is not ours (DNS rebinding) */
export function guardHost(request: FastifyRequest, { boundary }: Guards): void {
  if (!boundary.allowsHost(request.headers.host))
    throw new HoldfastError(
      'forbidden',
      'This server answers to its own address only; open the address that it printed at its start',
    )
}

/** @throws {HoldfastError} forbidden: not from our own page */
export function guardOrigin(request: FastifyRequest, { boundary }: Guards): void {
  const verdict = judgeCookieRequest(
    {
      method: request.method,
      secFetchSite: header(request, 'sec-fetch-site'),
      origin: request.headers.origin,
      contentType: request.headers['content-type'],
    },
    (origin) => boundary.allowsOrigin(origin),
  )
  if (!verdict.ok) throw new HoldfastError('forbidden', verdict.why)
}

/**
 * Who asks. Every route that touches anything of anybody calls this first.
 * @throws {HoldfastError} unauthenticated; forbidden: an unsafe method on the strength of a cookie from elsewhere
 */
export async function authenticate(request: FastifyRequest, guards: Guards): Promise<Principal> {
  const credentials = readCredentials(request.headers, guards.authenticator.cookieName)
  const principal = await guards.authenticator.authenticate(credentials)
  if (principal === null)
    throw new HoldfastError(
      'unauthenticated',
      'Open the sign-in link that the server printed, or send a valid token as Authorization: Bearer',
    )
  if (credentials.bearer === null) guardOrigin(request, guards)
  return principal
}

/** Did a browser send this? Programs send neither header. */
export function fromBrowser(request: FastifyRequest): boolean {
  return header(request, 'sec-fetch-site') !== undefined || request.headers.origin !== undefined
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
