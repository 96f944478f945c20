import { type Problem, Problem as ProblemSchema } from '@holdfast/protocol'
import type { Credentials } from './credentials.ts'
import { HoldfastAnswerError, HoldfastHttpError, HoldfastNetworkError } from './errors.ts'
import { untilAborted } from './until-aborted.ts'

export interface HttpOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly credentials: Credentials
  readonly fetch: typeof globalThis.fetch
}

export interface Call {
  readonly method: string
  /** From /v1 on. */
  readonly path: string
  readonly json?: unknown
  /** Made for each time it is sent: a stream that was read once is spent. */
  readonly body?: () => RequestBody
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

export interface RequestBody {
  readonly content: FormData | ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
}

/** What an answer has to be; a zod schema is one of these. */
export interface Schema<Value> {
  parse(value: unknown): Value
}

/**
 * @throws {HoldfastHttpError} the server said no; {HoldfastNetworkError} it could not be reached; the reason of
 *   `signal`
 */
export async function call(http: HttpOptions, request: Call): Promise<Response> {
  return checked(await authorized(http, request.signal, (token) => send(http, request, token)))
}

/** Sends with the token, and once more with a new one: 401 comes before anything is done. */
export async function authorized<Answer extends { readonly status: number }>(
  { credentials }: HttpOptions,
  signal: AbortSignal | undefined,
  task: (token: string | null) => Promise<Answer>,
): Promise<Answer> {
  const token = await untilAborted(credentials.current(), signal)
  const answer = await task(token)
  if (answer.status !== 401 || !credentials.canRenew) return answer
  return task(await untilAborted(credentials.renew(token), signal))
}

/**
 * The body of the answer.
 * @throws as `call` does; {HoldfastNetworkError} also where it breaks off; {HoldfastAnswerError} it is something else
 */
export async function callJson<Value>(
  http: HttpOptions,
  request: Call,
  schema: Schema<Value>,
): Promise<Value> {
  const response = await call(http, request)
  return readAnswer(await named(() => response.text()), request, schema)
}

/** @throws {HoldfastAnswerError} */
export function readAnswer<Value>(
  text: string,
  { method, path }: Pick<Call, 'method' | 'path'>,
  schema: Schema<Value>,
): Value {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new HoldfastAnswerError(`${method} ${path}`, { cause })
  }
}

export async function callBytes(http: HttpOptions, request: Call): Promise<Uint8Array> {
  const response = await call(http, request)
  return new Uint8Array(await named(() => response.arrayBuffer()))
}

function send({ url, fetch }: HttpOptions, request: Call, token: string | null): Promise<Response> {
  const body = request.body?.()
  const headers = new Headers({ ...request.headers, ...body?.headers })
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  if (request.json !== undefined) headers.set('content-type', 'application/json')
  const init: RequestInit & { duplex?: 'half' } = {
    // This API redirects nowhere. Where it might, fetch in Node keeps a copy of the body to send it again: a file
    // of 1.2 GB then took 1.2 GB of memory.
    redirect: 'error',
    method: request.method,
    headers,
    ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
    ...(body === undefined ? {} : { body: body.content }),
    // Required by fetch for a body that is a stream.
    ...(body?.content instanceof ReadableStream ? { duplex: 'half' } : {}),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  }
  return named(() => fetch(`${url}${request.path}`, init))
}

async function checked(response: Response): Promise<Response> {
  if (!response.ok)
    throw new HoldfastHttpError(
      await readProblem(response),
      retryAfterMs(response.headers.get('retry-after'), Date.now()),
    )
  return response
}

/** fetch throws a bare TypeError for a network that fails. */
async function named<Result>(task: () => Promise<Result>): Promise<Result> {
  try {
    return await task()
  } catch (error) {
    throw error instanceof TypeError ? new HoldfastNetworkError(error) : error
  }
}

async function readProblem(response: Response): Promise<Problem> {
  return problemOf(await named(() => response.text()), response)
}

/** @param text what came with a status that is an error */
export function problemOf(
  text: string,
  { status, statusText, url }: Pick<Response, 'status' | 'statusText' | 'url'>,
): Problem {
  try {
    return ProblemSchema.parse(JSON.parse(text))
  } catch {
    // Not ours: a proxy in between answered.
    return {
      type: 'about:blank',
      title: statusText,
      status,
      code: 'unknown',
      detail: `${url} answered ${status} ${statusText}`.trim(),
      retryable: status === 429 || status >= 502,
    }
  }
}

/** Seconds or a date (RFC 9110, 10.2.3). 0: no header, or one that says nothing. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}
