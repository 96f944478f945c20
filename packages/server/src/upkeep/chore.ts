/** Work that comes again: never twice at the same time on this node. */
export interface Chore extends AsyncDisposable {
  /** Now rather than at its time; once more where it is under way. */
  wake(): void
}

export interface ChoreOptions {
  /** For the log: `deletions`, `retention`. */
  readonly name: string
  /** From the end of one time to the beginning of the next. */
  readonly everyMs: number
  /** Stops between two bounded pieces when `signal` aborts: the server ends. */
  readonly work: (signal: AbortSignal) => Promise<void>
  readonly logger: ChoreLogger
}

export interface ChoreLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A plain timer. What fails is told and comes again at its time; nothing waits for it. */
export function startChore({ name, everyMs, work, logger }: ChoreOptions): Chore {
  const ended = new AbortController()
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let again = false

  const run = async (): Promise<void> => {
    do {
      again = false
      try {
        await work(ended.signal)
      } catch (error) {
        if (!ended.signal.aborted) logger.warn({ error }, `${name} failed; trying again in ${everyMs} ms`)
      }
    } while (again && !ended.signal.aborted)
    running = null
    plan()
  }
  const start = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (!ended.signal.aborted) running ??= run()
  }
  const plan = (): void => {
    if (!ended.signal.aborted) timer = setTimeout(start, everyMs).unref()
  }
  plan()
  return {
    wake() {
      if (running === null) start()
      else again = true
    },
    async [Symbol.asyncDispose]() {
      ended.abort()
      if (timer !== null) clearTimeout(timer)
      await running
    },
  }
}
