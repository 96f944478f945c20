import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { historyLimits, type Recorder } from '../history/recorder.ts'
import { isConnectFailure, reasonOf } from './failures.ts'

export const httpLimits = {
  /** What is read of a body; an endless one is let go here. */
  bodyBytes: 4 * 1024 * 1024,
  /** Connecting, before the first byte, is tried again this often; each time is counted. Nothing else is. */
  connectRetries: 2,
} as const

export interface HttpAnswer {
  /** null: none came. */
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly ms: number
  readonly error: string | null
  /** null: not JSON. */
  json(): Readonly<Record<string, unknown>> | null
}

export interface HttpOptions {
  readonly method?: string
  readonly path: string
  readonly user?: string | null
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly about?: string
  /** A connection of its own, and cold. */
  readonly fresh?: boolean
  readonly timeoutMs: number
  readonly ca?: string | null
  readonly agents: Agents
}

/** The kept connections of one proof. */
export interface Agents {
  readonly 'http:': HttpAgent
  readonly 'https:': HttpsAgent
}

export const openAgents = (): Agents => ({
  'http:': new HttpAgent({ keepAlive: true }),
  'https:': new HttpsAgent({ keepAlive: true }),
})

/** Asks once and writes down what came. Never throws for what a server does; keeps no cookies. */
export async function ask(recorder: Recorder, url: string, options: HttpOptions): Promise<HttpAnswer> {
  const id = recorder.nextId()
  const began = performance.now()
  let retries = 0
  let seen = await attempt(url, options)
  while (seen.failure !== null && isConnectFailure(seen.failure) && retries < httpLimits.connectRetries) {
    retries += 1
    seen = await attempt(url, options)
  }
  const ms = performance.now() - began
  const error = seen.failure === null ? null : reasonOf(seen.failure)
  recorder.add({
    k: 'http',
    id,
    user: options.user ?? null,
    method: options.method ?? 'GET',
    path: options.path,
    about: options.about ?? null,
    ms,
    status: seen.status,
    headers: seen.headers,
    body: seen.body,
    bytes: seen.bytes,
    retries,
    error,
  })
  return {
    status: seen.status,
    headers: seen.headers,
    body: seen.body,
    ms,
    error,
    json() {
      try {
        const value: unknown = JSON.parse(seen.body)
        return typeof value === 'object' && value !== null && !Array.isArray(value)
          ? (value as Record<string, unknown>)
          : null
      } catch {
        return null
      }
    },
  }
}

interface Seen {
  readonly status: number | null
  readonly headers: Record<string, string>
  readonly body: string
  readonly bytes: number
  readonly failure: Error | null
}

function attempt(base: string, options: HttpOptions): Promise<Seen> {
  const url = new URL(options.path, base)
  const secure = url.protocol === 'https:'
  const text = options.body === undefined ? null : JSON.stringify(options.body)
  const { promise, resolve } = Promise.withResolvers<Seen>()
  const chunks: Buffer[] = []
  let bytes = 0
  let status: number | null = null
  let headers: Record<string, string> = {}
  const end = (failure: Error | null): void => {
    clearTimeout(timer)
    const body = Buffer.concat(chunks).subarray(0, historyLimits.textBytes).toString('utf8')
    resolve({ status, headers, body, bytes, failure })
  }
  const request = (secure ? httpsRequest : httpRequest)(
    url,
    {
      method: options.method ?? 'GET',
      agent: options.fresh === true ? false : secure ? options.agents['https:'] : options.agents['http:'],
      headers: {
        accept: 'application/json',
        ...(options.token == null ? {} : { authorization: `Bearer ${options.token}` }),
        ...(text === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
        ...options.headers,
      },
      ...(options.ca == null ? {} : { ca: options.ca }),
    },
    (response) => {
      status = response.statusCode ?? null
      headers = plain(response.headers)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes > httpLimits.bodyBytes)
          response.destroy(new Error(`The body is longer than ${httpLimits.bodyBytes} bytes`))
      })
      response.on('end', () => end(null))
      response.on('error', end)
    },
  )
  const timer = setTimeout(
    () => request.destroy(new Error(`No whole answer within ${options.timeoutMs} ms`)),
    options.timeoutMs,
  )
  request.on('error', end)
  // A switch of protocols that nobody asked for is no answer: Node lets go of the connection and says nothing else.
  request.on('close', () => {
    if (status === null) end(new Error('The connection ended without an answer'))
  })
  request.end(text ?? undefined)
  return promise
}

/** Two thousand headers of a hostile server are no evidence: the first fifty are. */
function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .slice(0, 50)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
}

export function closeAgents(agents: Agents): void {
  for (const agent of Object.values(agents)) agent.destroy()
}
