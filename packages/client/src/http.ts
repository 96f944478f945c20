import { type Problem, Problem as ProblemSchema } from '@holdfast/protocol'
import { HoldfastHttpError } from './errors.ts'

export interface HttpOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly token: string | null
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

/** @throws {HoldfastHttpError} the server said no; TypeError: it could not be reached */
export async function call({ url, token, fetch }: HttpOptions, request: Call): Promise<Response> {
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
  const response = await fetch(`${url}${request.path}`, init)
  if (!response.ok) throw new HoldfastHttpError(await readProblem(response), retryAfterMs(response))
  return response
}

async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text()
  try {
    return ProblemSchema.parse(JSON.parse(text))
  } catch {
    // Not ours: a proxy in between answered.
    return {
      type: 'about:blank',
      title: response.statusText,
      status: response.status,
      code: 'unknown',
      detail: `${response.url} answered ${response.status} ${response.statusText}`.trim(),
      retryable: response.status === 429 || response.status >= 502,
    }
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}
