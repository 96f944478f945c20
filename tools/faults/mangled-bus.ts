import type { Bus, Hint } from '../../packages/server/src/bus/bus.ts'

export interface Mangling {
  /** Of hints: so many are dropped, as many doubled, and as many overtaken by the next. */
  readonly percent: number
  /** 0 ≤ x < 1 */
  readonly random: () => number
  /** Just before a hint goes out: what it tells of is committed. */
  readonly onPublish?: (hint: Hint) => void
}

/** A bus whose hints go astray (B1): whoever believes them alone is shown. */
export function createMangledBus(bus: Bus, { percent, random, onPublish }: Mangling): Bus {
  /** Waits for the one after it; the last of all waits for ever, as if it were dropped. */
  let overtaken: Hint | null = null
  return {
    publish(hint) {
      onPublish?.(hint)
      const lot = random() * 100
      if (lot < percent) return
      if (overtaken === null && lot >= 2 * percent && lot < 3 * percent) {
        overtaken = hint
        return
      }
      bus.publish(hint)
      if (lot < 2 * percent) bus.publish(hint)
      if (overtaken !== null) bus.publish(overtaken)
      overtaken = null
    },
    subscribe: bus.subscribe,
    onResync: bus.onResync,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}
