import { type Problem, Problem as ProblemSchema } from '@holdfast/protocol'
import type { Credentials } from './credentials.ts'
import { HoldfastHttpError, HoldfastNetworkError } from './errors.ts'

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
  readonly body?: RequestInit['body']
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * @throws {HoldfastHttpError} the server said no; {HoldfastNetworkError} it could not be reached; the reason of
 *   `signal`
 */
export async function call(http: HttpOptions, request: Call): Promise<Response> {
  const { credentials } = http
  const response = await send(http, request, await credentials.current())
  // 401 comes before anything is done, so the same request may be sent again, unless its body is spent.
  const again = response.status === 401 && credentials.canRenew && !(request.body instanceof ReadableStream)
  return checked(again ? await send(http, request, await credentials.renew()) : response)
}

/** The body of the answer. @throws as `call` does; {HoldfastNetworkError} also where it breaks off */
export async function callJson(http: HttpOptions, request: Call): Promise<unknown> {
  const response = await call(http, request)
  return named(() => response.json())
}

export async function callBytes(http: HttpOptions, request: Call): Promise<Uint8Array> {
  const response = await call(http, request)
  return new Uint8Array(await named(() => response.arrayBuffer()))
}

function send({ url, fetch }: HttpOptions, request: Call, token: string | null): Promise<Response> {
  const headers = new Headers(request.headers)
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  if (request.json !== undefined) headers.set('content-type', 'application/json')
  const init: RequestInit & { duplex?: 'half' } = {
    // This API redirects nowhere. Where it might, fetch in Node keeps a copy of the body to send it again: a file
    // of 1.2 GB then took 1.2 GB of memory.
    redirect: 'error',
    method: request.method,
    headers,
    ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
    ...(request.body === undefined ? {} : { body: request.body }),
    // Required by fetch for a body that is a stream.
    ...(request.body instanceof ReadableStream ? { duplex: 'half' } : {}),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  }
  return named(() => fetch(`${url}${request.path}`, init))
}

async function checked(response: Response): Promise<Response> {
  if (!response.ok) throw new HoldfastHttpError(await readProblem(response), retryAfterMs(response))
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

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}
