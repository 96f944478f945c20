import type { EventData, StoredEvent } from '@holdfast/protocol'
import type { ToolResult } from '../tools/define-tool.ts'

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

export function toolResultOf({ completed }: FinishedCall): ToolResult {
  return {
    tool: completed.tool,
    ok: completed.ok,
    output: completed.output ?? completed.error?.message ?? null,
  }
}
