export interface Slots {
  /** Runs `work` once one of the slots is free, first come first served. @throws the signal's reason while waiting */
  run<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  return {
    async run(signal, work) {
      signal.throwIfAborted()
      if (free > 0) free -= 1
      else await turn(waiting, signal)
      try {
        return await work()
      } finally {
        // A slot goes straight to the next in line, so that nobody who comes now is served before them.
        const next = waiting.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
  }
}

function turn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => {
    waiting.splice(waiting.indexOf(enter), 1)
    reject(signal.reason as Error)
  }
  const enter = (): void => {
    signal.removeEventListener('abort', onAbort)
    resolve()
  }
  waiting.push(enter)
  signal.addEventListener('abort', onAbort, { once: true })
  return promise
}
