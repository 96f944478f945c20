/**
 * A task that is asked for more often than it can be done: one run at a time, and one more for all who asked meanwhile.
 * Whoever asks is answered by a run that began after the question.
 */
export function merged<Answer>(task: () => Promise<Answer>): () => Promise<Answer> {
  let running: Promise<Answer> | null = null
  let next: Promise<Answer> | null = null
  const run = (): Promise<Answer> => {
    const own = task().finally(() => {
      if (running === own) running = null
    })
    running = own
    return own
  }
  const begin = (): Promise<Answer> => {
    next = null
    return run()
  }
  return () => {
    // It has not begun: also in the moment after the one before it has ended.
    if (next !== null) return next
    if (running === null) return run()
    next = running.then(begin, begin)
    return next
  }
}
