import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loopLimits, watchLoop } from './loop-watch.ts'

const { everyMs, behindMs, rememberedMs } = loopLimits

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function watched() {
  let nowMs = 0
  const watch = watchLoop(() => nowMs)
  return {
    watch,
    /** Time passes, and timers come when they should. */
    pass(ms: number) {
      for (let left = ms; left > 0; left -= everyMs) {
        nowMs += Math.min(everyMs, left)
        vi.advanceTimersByTime(Math.min(everyMs, left))
      }
    },
    /** Time passes while one thing is done. */
    work(ms: number) {
      nowMs += ms
    },
  }
}

test('a loop that comes round in time is not behind', () => {
  const { watch, pass } = watched()
  using _watch = watch
  pass(everyMs * 20)
  expect(watch.behind()).toBe(false)
})

test('it is behind already in the midst of what holds it up, and for a while after', () => {
  const { watch, pass, work } = watched()
  using _watch = watch
  work(everyMs + behindMs)
  expect(watch.behind()).toBe(false)
  work(1)
  expect(watch.behind()).toBe(true)
  vi.advanceTimersByTime(everyMs)
  expect(watch.behind()).toBe(true)
  pass(rememberedMs - everyMs)
  expect(watch.behind()).toBe(true)
  pass(everyMs)
  expect(watch.behind()).toBe(false)
})
