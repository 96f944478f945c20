import type { Bus, Hint } from './bus.ts'

/**
 * The bus of a single node: hands hints to its own subscribers on the next turn of the event loop, so that a
 * publisher never runs a subscriber's code.
 */
export function createInProcessBus(): Bus {
  const listeners = new Set<(hint: Hint) => void>()
  return {
    publish: (hint) =>
      queueMicrotask(() => {
        // B1: a hint after the end is a hint lost, which changes nothing.
        for (const listener of listeners) listener(hint)
      }),
    subscribe: (listener) => {
      // A function of its own: one that subscribes twice is called twice and ends each by itself.
      const own = (hint: Hint): void => listener(hint)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    [Symbol.asyncDispose]: async () => listeners.clear(),
  }
}
