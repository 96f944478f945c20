/** Runs a task after a while, once. Returns what calls it off. In the test's hands a clock of its own. */
export type Schedule = (task: () => void, delayMs: number) => () => void

/**
 * Node keeps a list for every duration that somebody waits for. Those of connections are drawn at random, and with
 * thousands of connections would have a list each; in steps that nobody notices they share some hundreds.
 */
const stepMs = 100
const longMs = 10_000

export const systemSchedule: Schedule = (task, delayMs) => {
  const timer = setTimeout(task, delayMs < longMs ? delayMs : Math.round(delayMs / stepMs) * stepMs)
  // A timer of ours never keeps a process alive that is otherwise done.
  timer.unref()
  return () => clearTimeout(timer)
}
