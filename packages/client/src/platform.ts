/** What changes around a connection that it cannot see itself. */
export type Trigger = 'online' | 'offline' | 'visible' | 'hidden'

/** Time, chance and the page: everything a client needs of where it runs. Node has no page and needs no DOM. */
export interface Platform {
  /** Only differences mean anything. Goes on while the machine sleeps. */
  readonly nowMs: () => number
  /** 0 ≤ x < 1 */
  readonly random: () => number
  /** May fire early where the delay is longer than three weeks. @returns cancels */
  readonly setTimer: (task: () => void, delayMs: number) => () => void
  /** @returns stops watching */
  readonly watch: (onTrigger: (trigger: Trigger) => void) => () => void
}

/** A longer one fires at once, in Node as in a browser. */
export const longestTimerMs = 2 ** 31 - 1

/** What is used of a browser's window and document; Node has neither. */
export interface Page {
  addEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void
  removeEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void
  readonly document?: {
    readonly visibilityState: string
    addEventListener(type: string, listener: () => void): void
    removeEventListener(type: string, listener: () => void): void
  }
}

/** @param url of the server: this machine is reached whether or not there is a network */
export function systemPlatform(url: string): Platform {
  return {
    nowMs: sleeplessClock(() => performance.now(), Date.now),
    random: Math.random,
    setTimer(task, delayMs) {
      const timer = setTimeout(task, Math.min(delayMs, longestTimerMs))
      return () => clearTimeout(timer)
    },
    watch: (onTrigger) => watchPage(globalThis as Page, isLoopback(url), onTrigger),
  }
}

/**
 * A page's monotonic clock may stand still while the machine sleeps, the wall clock may be set back: whichever went
 * further since the last look is believed.
 */
export function sleeplessClock(monotonicMs: () => number, wallMs: () => number): () => number {
  let monotonic = monotonicMs()
  let wall = wallMs()
  let nowMs = 0
  return () => {
    const [nextMonotonic, nextWall] = [monotonicMs(), wallMs()]
    nowMs += Math.max(0, nextMonotonic - monotonic, nextWall - wall)
    monotonic = nextMonotonic
    wall = nextWall
    return nowMs
  }
}

export function watchPage(
  page: Page,
  ignoresNetwork: boolean,
  onTrigger: (trigger: Trigger) => void,
): () => void {
  const { document } = page
  if (document === undefined || page.addEventListener === undefined) return () => {}
  const online = (): void => onTrigger('online')
  const offline = (): void => onTrigger('offline')
  // From the back-forward cache, where sockets do not survive.
  const shown = ({ persisted }: { readonly persisted?: boolean }): void => {
    if (persisted === true) onTrigger('visible')
  }
  const visibility = (): void => onTrigger(document.visibilityState === 'hidden' ? 'hidden' : 'visible')
  if (!ignoresNetwork) {
    page.addEventListener('online', online)
    page.addEventListener('offline', offline)
  }
  page.addEventListener('pageshow', shown)
  document.addEventListener('visibilitychange', visibility)
  if (document.visibilityState === 'hidden') onTrigger('hidden')
  return () => {
    page.removeEventListener?.('online', online)
    page.removeEventListener?.('offline', offline)
    page.removeEventListener?.('pageshow', shown)
    document.removeEventListener('visibilitychange', visibility)
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
