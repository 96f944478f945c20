import type { EventType, NewEvent } from './events.ts'
import { terminalTypes } from './events.ts'
import type { CallId } from './ids.ts'

/**
 * The order of events inside a run, as one state machine:
 *
 *   run_queued → agent_started (again after each take-over) → middle events → exactly one terminal event
 *
 * and every tool_executing is followed by exactly one tool_completed of its call before the terminal event.
 * The server asks it before it writes, a client in development mode as it reads, the prover as its judge.
 */
export type RunOrder =
  | { readonly kind: 'new' }
  | { readonly kind: 'queued' }
  | { readonly kind: 'running'; readonly attempt: number; readonly open: ReadonlySet<CallId> }
  | { readonly kind: 'ended'; readonly by: EventType }

export const newRun: RunOrder = { kind: 'new' }

export type OrderCheck =
  | { readonly ok: true; readonly next: RunOrder }
  | { readonly ok: false; readonly violation: string }

const isTerminal = (type: EventType): boolean => (terminalTypes as readonly EventType[]).includes(type)
const refuse = (violation: string): OrderCheck => ({ ok: false, violation })
const accept = (next: RunOrder): OrderCheck => ({ ok: true, next })

/** The state after `event`, or the rule it breaks. Pure and total: every state answers every event. */
export function advanceRun(state: RunOrder, event: NewEvent): OrderCheck {
  switch (state.kind) {
    case 'new':
      return event.type === 'run_queued'
        ? accept({ kind: 'queued' })
        : refuse(`a run begins with run_queued, not ${event.type}`)
    case 'queued':
      // A run can be cancelled, or refused for good, before any worker took it.
      if (event.type === 'agent_cancelled' || event.type === 'agent_failed')
        return accept({ kind: 'ended', by: event.type })
      if (event.type !== 'agent_started')
        return refuse(`run_queued is followed by agent_started, not ${event.type}`)
      return accept({ kind: 'running', attempt: event.data.attempt, open: new Set() })
    case 'running':
      return advanceRunning(state, event)
    case 'ended':
      return refuse(`${event.type} after ${state.by}: nothing follows the terminal event`)
  }
}

function advanceRunning(state: Extract<RunOrder, { kind: 'running' }>, event: NewEvent): OrderCheck {
  if (event.type === 'run_queued') return refuse('run_queued stands only at the beginning')
  if (event.type === 'agent_started') {
    // A take-over keeps open calls: the new attempt closes them or runs them again under the same id (R3).
    if (event.data.attempt <= state.attempt)
      return refuse(`attempt ${event.data.attempt} after attempt ${state.attempt}`)
    return accept({ ...state, attempt: event.data.attempt })
  }
  if (event.type === 'tool_executing') {
    if (state.open.has(event.data.callId)) return refuse(`call ${event.data.callId} is already open`)
    return accept({ ...state, open: new Set(state.open).add(event.data.callId) })
  }
  if (event.type === 'tool_completed') {
    if (!state.open.has(event.data.callId)) return refuse(`call ${event.data.callId} is not open`)
    const open = new Set(state.open)
    open.delete(event.data.callId)
    return accept({ ...state, open })
  }
  if (isTerminal(event.type)) {
    const [dangling] = state.open
    if (dangling !== undefined) return refuse(`${event.type} while call ${dangling} is open`)
    return accept({ kind: 'ended', by: event.type })
  }
  return accept(state)
}
