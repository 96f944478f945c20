/** Runs a task after a while, once. Returns what calls it off. In the test's hands a clock of its own. */
export type Schedule = (task: () => void, delayMs: number) => () => void

export const systemSchedule: Schedule = (task, delayMs) => {
  const timer = setTimeout(task, delayMs)
  // A timer of ours never keeps a process alive that is otherwise done.
  timer.unref()
  return () => clearTimeout(timer)
}
