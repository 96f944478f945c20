import type { LanguageModelV4Message } from '@ai-sdk/provider'
import type { Json, UserMessage } from '@holdfast/protocol'
import type { EarlierRun } from '../tools/define-tool.ts'
import type { FinishedCall } from './run-calls.ts'

/**
 * The conversation as a model reads it, rebuilt from the log alone: earlier runs as their questions and answers,
 * this run as its message and every finished call. A call never stands without its result
 * (providers refuse such a history), because only finished calls are in it.
 */
export function conversation(
  earlier: readonly EarlierRun[],
  message: UserMessage,
  calls: readonly FinishedCall[],
): LanguageModelV4Message[] {
  return [
    ...earlier.flatMap((run): LanguageModelV4Message[] => [
      { role: 'user', content: [text(run.message.text)] },
      { role: 'assistant', content: [text(run.answer === '' ? `(${run.outcome})` : run.answer)] },
    ]),
    { role: 'user', content: [text(message.text)] },
    ...calls.flatMap(({ call, completed }): LanguageModelV4Message[] => [
      {
        role: 'assistant',
        content: [
          { type: 'tool-call', toolCallId: call.callId, toolName: call.tool, input: inputOf(call.input) },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: call.callId,
            toolName: call.tool,
            output: completed.ok
              ? { type: 'json', value: completed.output ?? null }
              : { type: 'error-text', value: `${completed.error?.code}: ${completed.error?.message}` },
          },
        ],
      },
    ]),
  ]
}

/** Providers take objects only; what a model wrote that was none is shown to it as it was. */
const inputOf = (input: Json): Json =>
  typeof input === 'object' && input !== null && !Array.isArray(input) ? input : { unreadable: input }

const text = (of: string) => ({ type: 'text' as const, text: of })
