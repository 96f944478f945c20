import type { Hint } from './bus.ts'
import { hintText, packHints } from './hint-text.ts'

export const outboxLimits = {
  /** Hints that wait while there is no way to the others; further ones are lost, and cost what a lost hint costs (B1). */
  waitingHints: 10_000,
  /**
   * From one sending to the next. The first hint after a rest leaves at once; under load this is what bounds how
   * often a node disturbs the others, and what gathers many hints of a thread into its newest.
   */
  gapMs: 2,
  /** How long the end waits for what is being sent. */
  closeMs: 500,
} as const

/** Takes payloads of at most the size that was given to the outbox. A rejection loses them. */
export type SendHints = (payloads: readonly string[]) => Promise<void>

/** A node's hints on their way to the others: gathered, so that of each thread the newest head is sent. */
export interface Outbox {
  add(hint: Hint): void
  /** There is a way to the others; null: there is none now, and hints wait. */
  route(send: SendHints | null): void
  /** Sends what waits if there is a way, takes no more, and resolves soon in any case. */
  close(): Promise<void>
}

export interface OutboxOptions {
  readonly payloadBytes: number
  readonly logger: { debug(fields: object, message: string): void }
}

export function createOutbox({ payloadBytes, logger }: OutboxOptions): Outbox {
  let waiting = new Map<string, Hint>()
  let send: SendHints | null = null
  let sending: Promise<void> | null = null
  let closed = false

  const run = async (): Promise<void> => {
    // Whatever is published in the same turn of the event loop goes together.
    await Promise.resolve()
    while (waiting.size > 0 && send !== null) {
      const hints = waiting
      waiting = new Map()
      try {
        await send(packHints(hints.values(), payloadBytes))
      } catch (error) {
        logger.debug({ error, hints: hints.size }, 'bus: hints were lost')
      }
      if (!closed) await pause(outboxLimits.gapMs)
    }
  }
  const start = (): void => {
    sending ??= run().finally(() => {
      sending = null
      if (waiting.size > 0 && send !== null) start()
    })
  }

  return {
    add(hint) {
      if (closed) return
      const key = keyOf(hint)
      if (waiting.size >= outboxLimits.waitingHints && !waiting.has(key)) return
      const before = waiting.get(key)
      if (before === undefined || !('head' in before && 'head' in hint && before.head > hint.head))
        waiting.set(key, hint)
      if (send !== null) start()
    },
    route(next) {
      send = next
      if (send !== null && waiting.size > 0) start()
    },
    async close() {
      closed = true
      await Promise.race([sending, pause(outboxLimits.closeMs)])
      send = null
    },
  }
}

/** Hints that say the same but for the head. */
const keyOf = (hint: Hint): string =>
  hint.kind === 'thread' ? hint.threadId : hint.kind === 'user' ? hint.userId : hintText(hint)

function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, ms).unref()
  return promise
}
