import type { IncomingHttpHeaders } from 'node:http'

/** What a model of a test answers, in words that every provider's protocol can say. */
export type Reply =
  | { readonly kind: 'text'; readonly pieces: readonly string[] }
  /** `input` as the model writes it: it need not be JSON. */
  | { readonly kind: 'calls'; readonly calls: readonly { readonly tool: string; readonly input: string }[] }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly message: string
      readonly headers?: Readonly<Record<string, string>>
    }
  /** Some text, and then the connection breaks, or ends in good order before its time. */
  | { readonly kind: 'cut'; readonly pieces: readonly string[]; readonly how: 'reset' | 'end' }
  /** Some text, and then nothing, with the connection open. */
  | { readonly kind: 'silence'; readonly pieces: readonly string[] }
  /** Some text, and then an error as the protocol says it within a stream. */
  | { readonly kind: 'error'; readonly pieces: readonly string[]; readonly message: string }

/** A request as any of the protocols says it. */
export interface Asked {
  readonly model: string
  readonly system: string
  readonly tools: readonly string[]
  readonly turns: readonly Turn[]
}

export type Turn =
  | { readonly role: 'user' | 'assistant'; readonly text: string }
  | { readonly role: 'call'; readonly tool: string; readonly input: unknown }
  | { readonly role: 'result'; readonly tool: string; readonly output: string }

export const usage = { inputTokens: 1_000, cachedTokens: 200, outputTokens: 50 } as const

/** One provider's protocol, from the server's side. */
export interface Wire {
  readonly provider: 'openai' | 'anthropic' | 'google' | 'compatible'
  /** Of the address in the settings. */
  readonly basePath: string
  /** What a request's path and query have to be. */
  path(model: string): string
  /** The key that a request brought; null: none where one has to be. */
  keyOf(headers: IncomingHttpHeaders): string | null
  /** @throws {Error} the provider would answer 400: says why */
  read(body: unknown, path: string): Asked
  /** Server-sent events up to where `reply` stops, each as the text that is sent. */
  frames(reply: Exclude<Reply, { kind: 'status' }>, model: string): readonly string[]
  errorBody(status: number, message: string): object
}

export const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
export const event = (type: string, value: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`

export type Body = Readonly<Record<string, unknown>>

export function record(value: unknown, what: string): Body {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${what} must be an object`)
  return value as Body
}

export function items(value: unknown, what: string): readonly Body[] {
  if (!Array.isArray(value)) throw new Error(`${what} must be an array`)
  return value.map((item: unknown, index) => record(item, `${what}[${index}]`))
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} must be a string`)
  return value
}

export function must(holds: boolean, why: string): void {
  if (!holds) throw new Error(why)
}

/** In halves, as providers stream the input of a call. */
export const halves = (input: string): readonly string[] => {
  const middle = Math.floor(input.length / 2)
  return [input.slice(0, middle), input.slice(middle)].filter((half) => half !== '')
}

export const piecesOf = (reply: Exclude<Reply, { kind: 'status' }>): readonly string[] =>
  reply.kind === 'calls' ? [] : reply.pieces

/** Every call is answered, and nothing is answered that was not called. */
export function requireAnswered(turns: readonly { readonly role: string; readonly id?: string }[]): void {
  const open = new Set<string | undefined>()
  for (const { role, id } of turns) {
    if (role === 'call') open.add(id)
    else if (role === 'result') must(open.delete(id), `no tool call ${id} stands before its output`)
    else must(open.size === 0, `no tool output found for function call ${[...open].join()}`)
  }
  must(open.size === 0, `no tool output found for function call ${[...open].join()}`)
}
