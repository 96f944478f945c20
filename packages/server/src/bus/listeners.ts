/** Who listens to something. One that is added twice is called twice, and each is removed by itself. */
export interface Listeners<Args extends readonly unknown[]> {
  add(listener: (...args: Args) => void): () => void
  tell(...args: Args): void
  clear(): void
}

export function createListeners<Args extends readonly unknown[]>(): Listeners<Args> {
  const listeners = new Set<(...args: Args) => void>()
  return {
    add: (listener) => {
      const own = (...args: Args): void => listener(...args)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    tell: (...args) => {
      for (const listener of listeners) listener(...args)
    },
    clear: () => listeners.clear(),
  }
}
