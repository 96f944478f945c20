/** How far back is counted, and in which steps it is forgotten. */
export const closeCountLimits = { windowMs: 60 * 60_000, stepMs: 60_000 } as const

export interface CloseCounts {
  note(code: number): void
  /** Of the last hour, to the minute. */
  counts(): ReadonlyMap<number, number>
}

/** Counts how sockets ended: a number a minute and code, however many there are. */
export function createCloseCounts(nowMs: () => number): CloseCounts {
  const { windowMs, stepMs } = closeCountLimits
  const steps = new Map<number, Map<number, number>>()
  const forget = (now: number): void => {
    for (const step of steps.keys()) if ((step + 1) * stepMs <= now - windowMs) steps.delete(step)
  }
  return {
    note(code) {
      const now = nowMs()
      forget(now)
      const step = Math.floor(now / stepMs)
      const counts = steps.get(step) ?? new Map<number, number>()
      steps.set(step, counts.set(code, (counts.get(code) ?? 0) + 1))
    },
    counts() {
      forget(nowMs())
      const all = new Map<number, number>()
      for (const counts of steps.values())
        for (const [code, count] of counts) all.set(code, (all.get(code) ?? 0) + count)
      return all
    },
  }
}
