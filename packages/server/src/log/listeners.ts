/** Who is told of commits, and of what. */
export interface Listeners<Told extends readonly unknown[]> {
  /** Returns what removes the listener. */
  add(listener: (...told: Told) => void): () => void
  /** After the commit (L1). Never throws. */
  tell(...told: Told): void
}

export function createListeners<Told extends readonly unknown[]>(): Listeners<Told> {
  const listeners = new Set<(...told: Told) => void>()
  return {
    add(listener) {
      // A function of its own: one that is added twice is called twice, and each is removed by itself.
      const own = (...told: Told): void => listener(...told)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    tell(...told) {
      for (const listener of listeners) call(listener, told)
    },
  }
}

/** What is told is committed: a listener's fault is a bug of its own, thrown where it stops the process, not here. */
function call<Told extends readonly unknown[]>(listener: (...told: Told) => void, told: Told): void {
  try {
    listener(...told)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
