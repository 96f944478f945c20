import { HoldfastHttpError, HoldfastNetworkError } from '@holdfast/client'
import { Problem } from '@holdfast/protocol'

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly json?: unknown
  readonly signal?: AbortSignal
  /** Goes out although the page is being closed. */
  readonly keepalive?: boolean
}

/**
 * One request on the strength of the browser's cookie, for what the client does not offer.
 * @throws {HoldfastHttpError} the server said no; {HoldfastNetworkError} it could not be reached
 */
export async function request(path: string, options: Request = {}): Promise<Response> {
  const { method = 'GET', json, signal, keepalive = false } = options
  const response = await fetch(path, {
    method,
    keepalive,
    ...(json === undefined
      ? {}
      : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw error instanceof TypeError ? new HoldfastNetworkError(error) : error
  })
  if (response.ok) return response
  const parsed = Problem.safeParse(await response.json().catch(() => null))
  throw new HoldfastHttpError(
    parsed.success
      ? parsed.data
      : {
          type: 'about:blank',
          title: response.statusText,
          status: response.status,
          code: 'unknown',
          detail: `The server answered ${response.status} ${response.statusText}`.trim(),
          retryable: response.status >= 500,
        },
  )
}

export async function requestJson(path: string, options?: Request): Promise<unknown> {
  return (await request(path, options)).json()
}

/** A sentence for people, whatever was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof HoldfastNetworkError) return 'The server cannot be reached. Is the network there?'
  return error instanceof Error ? error.message : String(error)
}
