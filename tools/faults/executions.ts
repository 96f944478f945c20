/** What the tools of a campaign did, written down outside of the house: one JSON line for each time one was begun. */
import { appendFileSync, readFileSync } from 'node:fs'
import type { CallId, RunId, ToolEffect } from '@holdfast/protocol'

export interface Execution {
  readonly effect: ToolEffect
  readonly runId: RunId
  readonly callId: CallId
  /** The idempotency key that it was given. */
  readonly key: string
  /** Of the process that did it. */
  readonly life: string
  /** Of Date.now(). */
  readonly atMs: number
}

/** Before the tool goes on: what is not written was not begun. Short appends of several processes do not mix. */
export function recordExecution(path: string, execution: Execution): void {
  appendFileSync(path, `${JSON.stringify(execution)}\n`)
}

export function readExecutions(path: string): Execution[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Execution)
}
