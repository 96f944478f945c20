/** Time and order in a test's hands: nothing happens by itself, and what may happen next is chosen by a number. */
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Lane {
  /** Happens after all that was pushed before it. */
  push(task: () => void): void
  /** What has not happened yet never will. */
  cut(): void
}

export interface VirtualWorld {
  /** Things of one lane keep their order; lanes among each other do not. */
  lane(): Lane
  /** Resolves when it is chosen: a moment that may come at any time. */
  moment(): Promise<void>
  readonly nowMs: () => number
  readonly setTimer: (task: () => void, delayMs: number) => () => void
  /**
   * Lets things happen until nothing can and `done` agrees, or `forMs` have passed. Time goes on only when nothing
   * else can happen.
   * @param choose of so many, which one
   */
  run(choose: (from: number) => number, done: () => boolean, forMs: number): Promise<void>
}

/** Two halves that answer each other for ever without time going on: nothing that works needs so many. */
const mostThings = 20_000

interface Timer {
  readonly atMs: number
  readonly task: () => void
}

export function createVirtualWorld(): VirtualWorld {
  const lanes = new Set<(() => void)[]>()
  const timers = new Set<Timer>()
  let nowMs = 0

  const earliest = (): Timer | null => {
    let first: Timer | null = null
    for (const timer of timers) if (first === null || timer.atMs < first.atMs) first = timer
    return first
  }
  const lane = (): Lane => {
    const tasks: (() => void)[] = []
    return {
      push(task) {
        tasks.push(task)
        lanes.add(tasks)
      },
      cut() {
        tasks.length = 0
        lanes.delete(tasks)
      },
    }
  }
  return {
    lane,
    moment() {
      const { promise, resolve } = Promise.withResolvers<void>()
      lane().push(resolve)
      return promise
    },
    nowMs: () => nowMs,
    setTimer(task, delayMs) {
      const timer = { atMs: nowMs + delayMs, task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async run(choose, done, forMs) {
      const endMs = nowMs + forMs
      for (let things = 0; things < mostThings; things += 1) {
        // Whatever follows from the last thing without anybody's choice.
        await nextTurn()
        const possible = [...lanes]
        const chosen = possible[possible.length > 1 ? choose(possible.length) : 0]
        if (chosen !== undefined) {
          const task = chosen.shift()
          if (chosen.length === 0) lanes.delete(chosen)
          task?.()
          continue
        }
        if (done()) return
        const timer = earliest()
        if (timer === null || timer.atMs > endMs) return
        timers.delete(timer)
        nowMs = timer.atMs
        timer.task()
      }
    },
  }
}
