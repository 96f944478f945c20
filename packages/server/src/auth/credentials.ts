import type { IncomingHttpHeaders } from 'node:http'
import type { Credentials } from './authenticator.ts'

/** Reads what a request or handshake carries; judges nothing. */
export function readCredentials(headers: IncomingHttpHeaders, cookieName: string): Credentials {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')
  return {
    // An Authorization header that is no bearer token is still a claim, and a failed one: it beats the cookie.
    bearer: bearer?.[1] ?? (headers.authorization === undefined ? null : ''),
    cookie: readCookie(headers.cookie, cookieName),
  }
}

/** null: there is none of this very name. */
export function readCookie(header: string | undefined, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return null
}
