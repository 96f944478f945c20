import type { Schedule } from './schedule.ts'

/** Time passes when the test says so. */
export function manualClock(): { readonly schedule: Schedule; advance(ms: number): void } {
  const tasks = new Set<{ readonly task: () => void; readonly atMs: number }>()
  let nowMs = 0
  const next = (untilMs: number) =>
    [...tasks].filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)[0]
  return {
    schedule(task, delayMs) {
      const entry = { task, atMs: nowMs + delayMs }
      tasks.add(entry)
      return () => void tasks.delete(entry)
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (let due = next(untilMs); due !== undefined; due = next(untilMs)) {
        tasks.delete(due)
        nowMs = due.atMs
        due.task()
      }
      nowMs = untilMs
    },
  }
}
