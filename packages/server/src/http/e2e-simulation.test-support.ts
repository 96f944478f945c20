import { Session } from '@holdfast/protocol'
import {
  e2ePaths,
  type SimulatedSession,
  SimulatedSession as SimulatedSessions,
  signRequest,
} from '@holdfast/protocol/e2e'
import type { TestServer } from './test-server.test-support.ts'

export const alice = { persona: 'alice', run: 'r1', mode: 'token' } as const

let runs = 0
export function newRun(): string {
  runs += 1
  return `run-${process.pid}-${runs}`
}

type Signed = Record<string, string>

/** What is signed or sent in place of what it should be. */
export interface Change {
  readonly signing?: { readonly key?: string; readonly host?: string; readonly nowMs?: number }
  readonly headers?: (signed: Signed, server: TestServer) => Signed
  readonly body?: string
  readonly path?: string
}

export async function postSigned(
  server: TestServer,
  content: unknown,
  change: Change = {},
): Promise<Response> {
  const { key, host } = server.simulation
  const body = typeof content === 'string' ? content : JSON.stringify(content)
  const url = `${server.url}${e2ePaths.session}`
  const signed = signRequest({ key, host, method: 'POST', url, body, ...change.signing })
  return fetch(`${server.url}${change.path ?? e2ePaths.session}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(change.headers?.(signed, server) ?? signed) },
    body: change.body ?? body,
  })
}

/** @throws where the server does not let it in */
export async function simulate(server: TestServer, who: object = alice): Promise<SimulatedSession> {
  const response = await postSigned(server, { ...alice, run: newRun(), ...who })
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
  return SimulatedSessions.parse(await response.json())
}

export async function purge(server: TestServer, run: string): Promise<Response> {
  const url = `${server.url}${e2ePaths.run(run)}`
  return fetch(url, {
    method: 'DELETE',
    headers: signRequest({ ...server.simulation, method: 'DELETE', url }),
  })
}

export const bearer = ({ token }: SimulatedSession) => ({ authorization: `Bearer ${token}` })

/** Who these headers are, or the status by which they are nobody. */
export async function sessionOf(
  server: TestServer,
  headers: Record<string, string>,
): Promise<Session | number> {
  const response = await fetch(`${server.url}/v1/session`, { headers })
  return response.ok ? Session.parse(await response.json()) : response.status
}
