import { signRequest } from '@holdfast/protocol/e2e'
import { sql } from 'kysely'
import type { Principal } from '../principal.ts'
import type { TestServer } from './test-server.test-support.ts'

/** Who may turn up at a route or a socket. */
export const people = [
  'owner',
  'other',
  'simulated',
  'expired',
  'revoked',
  'anonymous',
  'wrong origin',
] as const
export type Person = (typeof people)[number]

let runs = 0

/** As a test of a deployment gets it: by a signed request, for a persona of a new run. */
async function simulatedCookie(server: TestServer): Promise<string> {
  runs += 1
  const url = `${server.url}/auth/e2e/session`
  const body = JSON.stringify({ persona: 'alice', run: `people-${process.pid}-${runs}`, mode: 'cookie' })
  const signed = signRequest({ ...server.simulation, method: 'POST', url, body })
  const response = await fetch(url, { method: 'POST', headers: signed, body })
  const [cookie] = response.headers.getSetCookie()
  if (response.status !== 201 || cookie === undefined) throw new Error(`simulated: ${response.status}`)
  return cookie.split(';')[0] ?? ''
}

/** What a browser of theirs sends. All but `other` and `simulated` were once the owner's. */
export type Shows = (person: Person) => Promise<Record<string, string>>

export function openPeople(server: TestServer): Shows {
  const cookieOf = async ({ userId }: Principal) => {
    const { id, secret } = await server.auth.sessions.open(userId)
    return { id, secret, cookie: `${server.auth.cookies.name}=${secret}` }
  }
  const ours = { origin: server.url, 'sec-fetch-site': 'same-origin' }
  // A session for each request, and of a new user where it is not the owner's: some of them end it, or the user.
  return async (person) => {
    switch (person) {
      case 'owner':
        return { ...ours, cookie: (await cookieOf(server.principal)).cookie }
      case 'other':
        return { ...ours, cookie: (await cookieOf(await server.newUser('user'))).cookie }
      case 'simulated':
        return { ...ours, cookie: await simulatedCookie(server) }
      case 'expired': {
        const { id, cookie } = await cookieOf(server.principal)
        const over = sql<Date>`now() - interval '1 second'`
        await server.store.db.updateTable('sessions').set({ expires_at: over }).where('id', '=', id).execute()
        return { ...ours, cookie }
      }
      case 'revoked': {
        const { secret, cookie } = await cookieOf(server.principal)
        await server.auth.sessions.end(secret)
        return { ...ours, cookie }
      }
      case 'anonymous':
        return ours
      case 'wrong origin':
        return {
          origin: 'https://evil.test',
          'sec-fetch-site': 'cross-site',
          cookie: (await cookieOf(server.principal)).cookie,
        }
      default:
        return person satisfies never
    }
  }
}
