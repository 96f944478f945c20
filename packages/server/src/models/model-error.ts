import { APICallError } from '@ai-sdk/provider'
import { HoldfastError } from '@holdfast/protocol'

/** A language model that did not answer. Its message is made here and holds no key and no prompt. */
export class ModelFailedError extends HoldfastError {
  override readonly name = 'ModelFailedError'
  /** Another try may find it well: too many requests, a fault over there, a broken connection. */
  readonly isPassing: boolean
  /** It had begun to answer: what was said stands in the log already. */
  readonly begun: boolean
  /** How long it asked to be left alone, in milliseconds; 0: it did not say. */
  readonly askedToWaitMs: number

  constructor(
    message: string,
    about: { readonly isPassing: boolean; readonly begun: boolean; readonly askedToWaitMs?: number },
  ) {
    // No cause: a provider's error holds the request, and with it what the user asked.
    super('model_failed', message)
    this.isPassing = about.isPassing
    this.begun = about.begun
    this.askedToWaitMs = about.askedToWaitMs ?? 0
  }
}

const saidChars = 300
/** How keys look, also where a provider has masked a part of one. */
const keyShapes = /\b(sk|pk|rk|key|xai|gsk)[-_][\w*.…-]{6,}|\bAIza[\w*-]{10,}/g

/**
 * What somebody else said, made fit to be shown: without the key, in whatever form it was sent, without anything that
 * looks like one, on one line, and short.
 */
export function withoutKeys(text: string, keys: readonly string[]): string {
  let clean = text.slice(0, 20_000)
  for (const key of keys) {
    if (key === '') continue
    for (const form of [key, encodeURIComponent(key), Buffer.from(key).toString('base64')])
      clean = clean.replaceAll(form, '[redacted]')
  }
  clean = clean
    .replaceAll(keyShapes, '[redacted]')
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 [redacted]')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return clean.length > saidChars ? `${clean.slice(0, saidChars)}…` : clean
}

/** From whatever a provider's package threw. */
export function modelFailure(
  error: unknown,
  about: {
    readonly name: string
    readonly keys: readonly string[]
    readonly begun: boolean
    readonly nowMs: number
  },
): ModelFailedError {
  if (error instanceof ModelFailedError) return error
  const { name, keys, begun, nowMs } = about
  const said = withoutKeys(deepestMessage(error), keys)
  const call = APICallError.isInstance(error) ? error : null
  if (call?.statusCode !== undefined) {
    const headers = call.responseHeaders ?? {}
    return new ModelFailedError(`${name} answered ${call.statusCode}: ${said}`, {
      isPassing: call.isRetryable,
      begun,
      askedToWaitMs: retryAfterMs(headers, nowMs),
    })
  }
  const retryable: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'isRetryable') : null
  // What broke without an answer is most often the line between us; what a provider calls final is final.
  return new ModelFailedError(`${name} failed: ${said}`, { isPassing: retryable !== false, begun })
}

/** "Cannot connect to API" says less than the refused connection beneath it. */
function deepestMessage(error: unknown): string {
  const messages: string[] = []
  let at: unknown = error
  for (let depth = 0; depth < 4 && at instanceof Error; depth += 1) {
    const text = at.message || String(Reflect.get(at, 'code') ?? at.name)
    if (!messages.some((message) => message.includes(text))) messages.push(text)
    at = at.cause
  }
  if (messages.length > 0) return messages.join(': ')
  if (typeof error === 'string') return error
  return plainText(error)
}

/** An error that came as an object in the stream: its message, wherever it stands. */
function plainText(error: unknown): string {
  const object = typeof error === 'object' && error !== null ? error : {}
  const inner: unknown = Reflect.get(object, 'error')
  const message: unknown =
    Reflect.get(object, 'message') ??
    (typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'message') : undefined)
  return typeof message === 'string' && message !== '' ? message : (JSON.stringify(error) ?? String(error))
}

/** RFC 9110: seconds or a date; OpenAI also says it in milliseconds. 0: it is not said, or cannot be read. */
export function retryAfterMs(headers: Readonly<Record<string, string | undefined>>, nowMs: number): number {
  const exact = headers['retry-after-ms']
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Number(exact)
  const value = headers['retry-after']?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs)
}
