/** Milliseconds of a clock that is never set. */
export type MonotonicClock = () => number

export interface LoopWatch extends Disposable {
  /** What happens on this thread happens later than it should, by more than loopLimits.behindMs. */
  behind(): boolean
}

export const loopLimits = {
  /** How often the watch looks at the clock. */
  everyMs: 200,
  /** A look that comes so much later than it should… */
  behindMs: 400,
  /** …counts for so long. */
  rememberedMs: 1_000,
} as const

/** Whether this process has more to do than it can: a timer says so, which comes late. */
export function watchLoop(nowMs: MonotonicClock = () => performance.now()): LoopWatch {
  const { everyMs, behindMs, rememberedMs } = loopLimits
  let dueMs = nowMs() + everyMs
  let behindUntilMs = Number.NEGATIVE_INFINITY
  const look = (): void => {
    const now = nowMs()
    if (now - dueMs > behindMs) behindUntilMs = now + rememberedMs
    dueMs = now + everyMs
  }
  const timer = setInterval(look, everyMs)
  timer.unref()
  return {
    behind() {
      const now = nowMs()
      // The second half: in the midst of what makes the next look late.
      return now < behindUntilMs || now - dueMs > behindMs
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
