import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { retry } from '../environment/retry.ts'
import type { RetryPolicy } from '../environment/retry-policy.ts'
import { ModelFailedError, modelFailure } from './model-error.ts'

export interface Patience {
  readonly policy: RetryPolicy
  /** Without a part for so long the model is given up. */
  readonly silenceMs: number
  readonly logger: { warn(fields: object, message: string): void }
  /** What must not be shown of what it says. */
  readonly keys: readonly string[]
  readonly nowMs?: () => number
}

/**
 * A provider's model that is asked again where it did not begin to answer, and given up where it falls silent. Whatever
 * it throws or streams as an error is a ModelFailedError: without keys, and without what was asked.
 *
 * Only before the first part that says something can a question be repeated behind the caller's back: afterwards the
 * caller has it in the log.
 */
export function createPatientModel(
  name: string,
  inner: LanguageModelV4,
  patience: Patience,
): LanguageModelV4 {
  const { policy, logger, keys, silenceMs, nowMs = Date.now } = patience
  const failed = (error: unknown, begun: boolean): ModelFailedError =>
    modelFailure(error, { name, keys, begun, nowMs: nowMs() })

  async function open(options: LanguageModelV4CallOptions): Promise<Opened> {
    const silence = watchSilence(name, silenceMs, options.abortSignal)
    try {
      const { stream, ...rest } = await inner.doStream({ ...options, abortSignal: silence.signal })
      const reader = stream.getReader()
      const first: LanguageModelV4StreamPart[] = []
      for (;;) {
        const { done, value } = await silence.watch(reader.read())
        if (done) throw cut(name, false)
        if (value.type === 'error') throw value.error
        first.push(value)
        if (value.type === 'finish') requireWhole(name, value, false)
        if (!preludes.has(value.type)) return { rest, first, reader, silence }
      }
    } catch (error) {
      silence.end()
      options.abortSignal?.throwIfAborted()
      throw failed(silence.reason() ?? error, false)
    }
  }

  return {
    specificationVersion: 'v4',
    provider: inner.provider,
    modelId: inner.modelId,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('Models are streamed')),
    doStream: async (options) => {
      const opened = await retry(() => open(options), {
        policy,
        what: `asking ${name}`,
        isWorthRepeating: (error) => error instanceof ModelFailedError && error.isPassing,
        askedToWaitMs: (error) => (error instanceof ModelFailedError ? error.askedToWaitMs : 0),
        logger,
        signal: options.abortSignal,
      })
      return { ...opened.rest, stream: ReadableStream.from(partsOf(opened)) }
    },
  }

  async function* partsOf({ first, reader, silence }: Opened): AsyncGenerator<LanguageModelV4StreamPart> {
    yield* first
    let whole = first.some(({ type }) => type === 'finish')
    try {
      for (;;) {
        const { done, value } = await silence.watch(reader.read())
        if (done) break
        if (value.type === 'error') throw value.error
        if (value.type === 'finish') {
          requireWhole(name, value, true)
          whole = true
        }
        yield value
      }
      if (!whole) throw cut(name, true)
    } catch (error) {
      throw failed(silence.reason() ?? error, true)
    } finally {
      silence.end()
      reader.cancel().catch(() => {})
    }
  }
}

interface Opened {
  readonly rest: object
  /** Read already: up to the first part that says something. */
  readonly first: readonly LanguageModelV4StreamPart[]
  readonly reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>
  readonly silence: Silence
}

/** Parts that come before anything is said. */
const preludes: ReadonlySet<LanguageModelV4StreamPart['type']> = new Set([
  'stream-start',
  'response-metadata',
  'raw',
  'text-start',
  'reasoning-start',
])

const cut = (name: string, begun: boolean): ModelFailedError =>
  new ModelFailedError(`${name} failed: the answer was cut off`, { isPassing: true, begun })

/** A connection that ends in good order before its last message looks like an end without a reason. */
function requireWhole(
  name: string,
  { finishReason }: Extract<LanguageModelV4StreamPart, { type: 'finish' }>,
  begun: boolean,
): void {
  const { unified, raw } = finishReason
  if (unified === 'interrupted' || (unified === 'other' && raw === undefined)) throw cut(name, begun)
}

interface Silence {
  /** Aborts when the caller's does, or when it has been silent for too long. */
  readonly signal: AbortSignal
  /** Waits for something, and for no longer than the silence may last. */
  watch<T>(work: Promise<T>): Promise<T>
  /** Set once it was too long. */
  reason(): ModelFailedError | null
  end(): void
}

function watchSilence(name: string, silenceMs: number, outer: AbortSignal | undefined): Silence {
  const own = new AbortController()
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => {})
  let reason: ModelFailedError | null = null
  const timer = setTimeout(() => {
    reason = new ModelFailedError(`${name} failed: it said nothing for ${silenceMs / 1000} s`, {
      // Another model rather than as long a wait again.
      isPassing: false,
      begun: true,
    })
    own.abort(reason)
    late.reject(reason)
  }, silenceMs)
  return {
    signal: outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]),
    watch: async (work) => {
      timer.refresh()
      return Promise.race([work, late.promise])
    },
    reason: () => reason,
    end: () => clearTimeout(timer),
  }
}
