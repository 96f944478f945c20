import type { Bus, Hint } from './bus.ts'
import { createListeners } from './listeners.ts'

/**
 * The bus of a single node: hands hints to its own subscribers on the next turn of the event loop, so that a
 * publisher never runs a subscriber's code. It is never away, so there is nothing to resync.
 */
export function createInProcessBus(): Bus {
  const listeners = createListeners<[Hint]>()
  return {
    // B1: a hint after the end is a hint lost, which changes nothing.
    publish: (hint) => queueMicrotask(() => listeners.tell(hint)),
    subscribe: listeners.add,
    onResync: () => () => {},
    [Symbol.asyncDispose]: async () => listeners.clear(),
  }
}
