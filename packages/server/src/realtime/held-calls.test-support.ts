import type { EventEmitter } from 'node:events'

export interface HeldCalls {
  /** Asks at once, and hands the answer on when the test says so. */
  wrap<Args extends readonly unknown[], Answer>(
    real: (...args: Args) => Promise<Answer>,
  ): (...args: Args) => Promise<Answer>
  /** The first answer is there, and held. */
  readonly held: Promise<void>
  readonly calls: number
  release(): void
}

/** What another server would be slow at: an answer is as old as its question when it arrives. */
export function holdCalls(): HeldCalls {
  const held = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let calls = 0
  return {
    wrap:
      (real) =>
      async (...args) => {
        calls += 1
        const answer = await real(...args)
        held.resolve()
        await gate.promise
        return answer
      },
    held: held.promise,
    get calls() {
      return calls
    },
    release: () => gate.resolve(),
  }
}

/** Also where an error comes before. */
export const closeOf = (socket: EventEmitter): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()))

/** Whatever follows from what has happened, without waiting for anything else, has happened after this. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
