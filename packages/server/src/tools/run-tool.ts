import type { EventData, NewEvent, ToolEffect } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { ToolContext, ToolDefinition } from './define-tool.ts'
import { toolLimits } from './define-tool.ts'

/** How a call ended: what tool_completed will say, and the events that commit with it. */
export interface ToolEnd {
  readonly completed: EventData<'tool_completed'>
  readonly events: readonly NewEvent[]
}

/**
 * Runs one call to its end. A failure of the tool is an answer the model can read, not a failure of the run;
 * only an abort of the run itself is thrown, and what is not the tool's: the store is away.
 */
export async function runTool(tool: ToolDefinition, input: unknown, context: ToolContext): Promise<ToolEnd> {
  const timeoutMs = tool.timeoutMs ?? toolLimits.timeoutMs
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([context.signal, deadline])
  const beganMs = performance.now()
  const base = { callId: context.callId, tool: tool.name }
  const failed = (code: string, message: string): ToolEnd => ({
    completed: {
      ...base,
      ok: false,
      error: { code, message: short(message) },
      durationMs: performance.now() - beganMs,
      artifacts: [],
    },
    events: [],
  })
  try {
    const parsed = tool.input.safeParse(input)
    if (!parsed.success)
      return failed('bad_request', `Input of ${tool.name} does not fit: ${parsed.error.message}`)
    const outcome = await untilAborted(tool.execute(parsed.data, { ...context, signal }), signal)
    const bytes = Buffer.byteLength(JSON.stringify(outcome.output))
    if (bytes > toolLimits.outputBytes)
      return failed(
        'payload_too_large',
        `${tool.name} returned ${bytes} bytes; at most ${toolLimits.outputBytes} travel in an event, the rest belongs into an artifact`,
      )
    return {
      completed: {
        ...base,
        ok: true,
        output: outcome.output,
        durationMs: performance.now() - beganMs,
        artifacts: [...(outcome.artifacts ?? [])],
      },
      events: outcome.events ?? [],
    }
  } catch (error) {
    context.signal.throwIfAborted()
    if (deadline.aborted)
      return failed(
        'tool_timeout',
        `${tool.name} did not end within ${timeoutMs / 1000} s and was stopped${doubt(tool.effect)}`,
      )
    // The database is away: no answer of the tool's, and the attempt ends here rather than reason from it.
    if (error instanceof HoldfastError && error.code === 'not_ready') throw error
    // `internal` is a fault that somebody else caught (a child process): no answer, and nothing to show.
    if (error instanceof HoldfastError && error.code !== 'internal') return failed(error.code, error.message)
    throw error
  }
}

/** Of a message in an event: a tool may put its whole input into it, and a model reads no more of it than this. */
const messageChars = 2_000

const short = (message: string): string =>
  // Cut within a character, the half of it is no text.
  (message.length > messageChars ? `${message.slice(0, messageChars)}…` : message).toWellFormed()

/** R3: what is to be said of a call that was stopped half way, so that nobody repeats it unseen. */
export const doubt = (effect: ToolEffect): string =>
  recoverOpenCall(effect) === 'outcome_unknown'
    ? '; whether it took effect is not known: check before it is run again'
    : ''

/** The call that never ran, or of which nobody knows whether it did (R3). */
export function closeUnrun(
  call: EventData<'tool_executing'>,
  code: 'cancelled' | 'outcome_unknown' | 'bad_request',
  message: string,
): EventData<'tool_completed'> {
  return {
    callId: call.callId,
    tool: call.tool,
    ok: false,
    error: { code, message },
    durationMs: 0,
    artifacts: [],
  }
}

/** What R3 lets a later attempt do with a call that an earlier one left open. */
export function recoverOpenCall(effect: ToolEffect): 'run_again' | 'outcome_unknown' {
  switch (effect) {
    // The same call id gives the same idempotency key, so `idempotent` is repeated under its first key.
    case 'pure':
    case 'idempotent':
      return 'run_again'
    case 'effect':
      return 'outcome_unknown'
  }
}

// A tool that ignores its signal must not hold the run: its late result is dropped.
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const abort = (): void => reject(signal.reason as Error)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  return promise
}
