import { expect, test, vi } from 'vitest'
import {
  longestTimerMs,
  type Page,
  sleeplessClock,
  systemPlatform,
  type Trigger,
  watchPage,
} from './platform.ts'

/** A page whose events are in the test's hands. */
function fakePage(visibilityState = 'visible') {
  const listeners = new Map<string, Set<(event: { persisted?: boolean }) => void>>()
  const target = {
    addEventListener(type: string, listener: (event: { persisted?: boolean }) => void) {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener))
    },
    removeEventListener(type: string, listener: (event: { persisted?: boolean }) => void) {
      listeners.get(type)?.delete(listener)
    },
  }
  const document = { ...target, visibilityState }
  const page: Page = { ...target, document }
  const fire = (type: string, event: { persisted?: boolean } = {}): void => {
    for (const listener of listeners.get(type) ?? []) listener(event)
  }
  return {
    page,
    document,
    fire,
    count: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
  }
}

test('what a page tells becomes triggers, and nothing is left behind', () => {
  const { page, document, fire, count } = fakePage('hidden')
  const seen: Trigger[] = []
  const stop = watchPage(page, false, (trigger) => seen.push(trigger))
  document.visibilityState = 'visible'
  fire('visibilitychange')
  fire('offline')
  fire('online')
  // Of a page that was loaded, and of one that came out of the back-forward cache.
  fire('pageshow', { persisted: false })
  fire('pageshow', { persisted: true })
  expect(seen).toEqual(['hidden', 'visible', 'offline', 'online', 'visible'])
  stop()
  expect(count()).toBe(0)
})

test('a server on this machine is there without a network', () => {
  const { page, fire } = fakePage()
  const seen: Trigger[] = []
  watchPage(page, true, (trigger) => seen.push(trigger))
  fire('offline')
  fire('visibilitychange')
  expect(seen).toEqual(['visible'])
})

test('Node has no page, and needs none', () => {
  const stop = systemPlatform('http://127.0.0.1:1').watch(() => {
    throw new Error('Nothing happens here')
  })
  stop()
})

test('a timer longer than the platform can count does not fire at once', () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  try {
    const task = (): void => {}
    systemPlatform('http://127.0.0.1:1').setTimer(task, 2 ** 40)()
    expect(set).toHaveBeenCalledExactlyOnceWith(task, longestTimerMs)
  } finally {
    set.mockRestore()
  }
})

test('the clock goes on while the machine sleeps, and not back when it is set back', () => {
  let [monotonicMs, wallMs] = [1_000, 5_000_000]
  const nowMs = sleeplessClock(
    () => monotonicMs,
    () => wallMs,
  )
  expect(nowMs()).toBe(0)
  monotonicMs += 10
  wallMs += 10
  expect(nowMs()).toBe(10)
  wallMs += 60_000
  expect(nowMs()).toBe(60_010)
  wallMs -= 3_600_000
  monotonicMs += 5
  expect(nowMs()).toBe(60_015)
})
