import type { EventData, NewEvent, StoredEvent } from '@holdfast/protocol'
import type { ToolResult } from '../tools/define-tool.ts'
import { stepLimits } from './model-step.ts'

export interface FinishedCall {
  readonly call: EventData<'tool_executing'>
  readonly completed: EventData<'tool_completed'>
}

/** R3: what a run's own events say of its tool calls. A finished call is never run again. */
export interface RunCalls {
  readonly finished: readonly FinishedCall[]
  /** Executing and not completed: the attempt that began them died. */
  readonly open: readonly EventData<'tool_executing'>[]
}

export function callsOf(events: readonly StoredEvent[]): RunCalls {
  const open = new Map<string, EventData<'tool_executing'>>()
  const finished: FinishedCall[] = []
  for (const event of events) {
    if (event.type === 'tool_executing') open.set(event.data.callId, event.data)
    if (event.type === 'tool_completed') {
      const call = open.get(event.data.callId)
      if (call === undefined)
        throw new Error(`tool_completed of ${event.data.callId} without its tool_executing`)
      open.delete(event.data.callId)
      finished.push({ call, completed: event.data })
    }
  }
  return { finished, open: [...open.values()] }
}

/**
 * R3: the steps of the model that the log surely tells of, so that a later attempt has the rest of them. A step may
 * make many calls, so calls are no measure: by them a run that was handed over in its second step could be at its end.
 * Few models say nothing of their thinking; of those it counts the fewest steps that can have made so many calls.
 */
export function stepsTaken(events: readonly NewEvent[]): number {
  let thinking = 0
  let taken = 0
  let calls = 0
  for (const event of events) {
    if (event.type === 'agent_thinking') thinking = event.data.step
    // A step without a call was not brought to its end, or the run would be at its own.
    if (event.type !== 'tool_executing') continue
    calls += 1
    taken = Math.max(taken, thinking, Math.ceil(calls / callsPerStep))
  }
  return taken
}
/** One more than are run: the refusal of all beyond them. */
const callsPerStep = stepLimits.calls + 1

export function toolResultOf({ completed }: FinishedCall): ToolResult {
  return {
    tool: completed.tool,
    ok: completed.ok,
    output: completed.output ?? completed.error?.message ?? null,
  }
}
