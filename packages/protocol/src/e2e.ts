/**
 * How an automated test signs in on a deployment that has E2E simulation switched on: the signature, made here for
 * whoever signs (command, Playwright, prover) and checked with the same lines by the server.
 *
 * A door of its own (`@holdfast/protocol/e2e`): it needs node:crypto and the key of a deployment, and no page loads it.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ErrorCode, HoldfastError, Problem } from './error-codes.ts'
import { UserId } from './ids.ts'

/** Who a test can be. Each is the same person for a whole test run, and another one in the next. */
export const personas = ['alice', 'bob', 'carol', 'dave'] as const
export type Persona = (typeof personas)[number]

export const e2eLimits = {
  /** How far the clock of whoever signs may be from the server's. */
  skewSeconds: 60,
  /** A simulated session or token; there is no refresh: sign in again. */
  sessionSeconds: 15 * 60,
  /** Of what is sent with a signed request. */
  bodyBytes: 4 * 1024,
} as const

/** No underscore: `sim_<run>_<persona>` is read back from the right. */
export const RunName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected 1 to 40 of a–z, 0–9 and -, not beginning with -')

const PersonaName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the name of a persona')

/** Strict: whoever names a user id, an address or a role is told that there is no such thing to name. */
export const SimulatedSignIn = z.strictObject({
  persona: PersonaName,
  run: RunName,
  mode: z.enum(['cookie', 'token']),
})
export type SimulatedSignIn = z.infer<typeof SimulatedSignIn>

export const SimulatedSession = z.object({
  user: UserId,
  kind: z.literal('simulated'),
  persona: z.enum(personas),
  run: RunName,
  /** The highest there is for them. */
  role: z.literal('member'),
  mode: z.enum(['cookie', 'token']),
  /** A bearer token; null: the session is in the cookie of this answer. */
  token: z.string().nullable(),
  expiresAt: z.iso.datetime(),
})
export type SimulatedSession = z.infer<typeof SimulatedSession>

export const PurgedRun = z.object({ run: RunName, users: z.int().min(0) })
export type PurgedRun = z.infer<typeof PurgedRun>

export const e2ePaths = {
  session: '/auth/e2e/session',
  run: (run: string): string => `/auth/e2e/runs/${run}`,
} as const

/** A key as a file, a pipe or `echo` gives it: one trailing newline is theirs. Anything else is another text. */
export const withoutNewline = (text: string): string => text.replace(/\r?\n$/, '')

export type KeyProblem = 'form' | 'variety'

/**
 * Why a text is no key: 64 lowercase hex digits that look like 32 random bytes. null: it is one.
 * Of 32 random bytes fewer than 20 differ once in 10^14 times; what people type by hand does not get there.
 */
export function keyProblem(key: string): KeyProblem | null {
  if (!/^[0-9a-f]{64}$/.test(key)) return 'form'
  const bytes = [...Buffer.from(key, 'hex')]
  const steps = bytes.slice(1).map((byte, index) => (256 + byte - (bytes[index] ?? 0)) % 256)
  return new Set(bytes).size < 20 || new Set(steps).size < 15 ? 'variety' : null
}

/** A new key, for one deployment. */
export const newSimulationKey = (): string => randomBytes(32).toString('hex')

/** Names a key in logs and headers; says nothing about it. */
export function keyIdOf(key: string): string {
  return createHash('sha256').update(`kid:${key}`).digest('hex').slice(0, 16)
}

/** What is signed, beside the body. */
export interface SignedParts {
  readonly method: string
  /** Of the deployment as it is configured, never as a request names it: a captured request is worthless elsewhere. */
  readonly host: string
  readonly path: string
  /** Seconds since 1970, as text. */
  readonly timestamp: string
  readonly nonce: string
}

/** HMAC-SHA256; the key is its 64 digits as they are written. */
export function macOf(key: string, parts: SignedParts, body: Uint8Array): Buffer {
  const { method, host, path, timestamp, nonce } = parts
  const digest = createHash('sha256').update(body).digest('hex')
  const text = ['e2e-sim.v1', method, host, path, timestamp, nonce, digest].join('\n')
  return createHmac('sha256', key).update(text).digest()
}

export interface RequestToSign {
  readonly key: string
  readonly method: 'POST' | 'DELETE'
  readonly url: URL | string
  /** As it is sent, byte for byte; default: empty. */
  readonly body?: string
  /** E2E_SIMULATION_HOST of the deployment; default: the host of `url`, with its port if it names one. */
  readonly host?: string
  /** Milliseconds since 1970; default: now. */
  readonly nowMs?: number
}

/**
 * The headers that let one request in, once. Fresh ones for each request.
 * @throws {HoldfastError} bad_request: the key is none
 */
export function signRequest(request: RequestToSign): Record<string, string> {
  const { key, method, body = '', nowMs = Date.now() } = request
  if (keyProblem(key) !== null)
    throw new HoldfastError('bad_request', 'A simulation key is 64 lowercase hex digits, made at random')
  const url = new URL(request.url)
  const timestamp = String(Math.floor(nowMs / 1000))
  const nonce = randomBytes(16).toString('base64url')
  const parts = { method, host: request.host ?? url.host, path: url.pathname, timestamp, nonce }
  return {
    'x-e2e-key-id': keyIdOf(key),
    'x-e2e-timestamp': timestamp,
    'x-e2e-nonce': nonce,
    'x-e2e-signature': `v1=${macOf(key, parts, Buffer.from(body)).toString('hex')}`,
  }
}

export interface Deployment {
  /** Where it is reached. */
  readonly url: URL | string
  readonly key: string
  /** E2E_SIMULATION_HOST, where it is not the host of `url`. */
  readonly host?: string
  readonly signal?: AbortSignal
}

/**
 * A persona of a run. With `cookie` the session is in the answer's Set-Cookie, which fetch does not keep: a browser's
 * own request signed by `signRequest` does.
 * @throws {HoldfastError} as the server refuses it
 */
export async function signInAs(who: SimulatedSignIn, deployment: Deployment): Promise<SimulatedSession> {
  return SimulatedSession.parse(await send('POST', e2ePaths.session, who, deployment))
}

/** Everything that a test run made goes: its users and all that is theirs. @throws {HoldfastError} */
export async function purgeRun(run: string, deployment: Deployment): Promise<PurgedRun> {
  return PurgedRun.parse(await send('DELETE', e2ePaths.run(RunName.parse(run)), null, deployment))
}

async function send(
  method: 'POST' | 'DELETE',
  path: string,
  content: object | null,
  { url: base, key, host, signal }: Deployment,
): Promise<unknown> {
  const url = new URL(path, base)
  const body = content === null ? '' : JSON.stringify(content)
  const signed = signRequest({ key, method, url, body, ...(host === undefined ? {} : { host }) })
  const response = await fetch(url, {
    method,
    // Not to another host, and not without its body.
    redirect: 'error',
    headers: { ...signed, ...(content === null ? {} : { 'content-type': 'application/json' }) },
    ...(content === null ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  })
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer
  const problem = Problem.safeParse(answer)
  const code = ErrorCode.safeParse(problem.data?.code)
  throw new HoldfastError(
    code.data ?? 'internal',
    problem.data?.detail ?? `${url.host} answered ${response.status}, and not as Holdfast does`,
  )
}
