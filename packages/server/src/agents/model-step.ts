import type { Json, MessageId, NewEvent } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { ModelMessage, ToolSet } from 'ai'
import { jsonSchema, tool as sdkTool, streamText } from 'ai'
import { z } from 'zod'
import type { ResolvedModel } from '../models/model-manager.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'

export interface WantedCall {
  readonly tool: string
  readonly input: Json
  /** Why the call cannot be made: an unknown tool, or input that does not fit. Told to the model as its result. */
  readonly refusal: string | null
}

export interface StepEnd {
  readonly text: string
  readonly calls: readonly WantedCall[]
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What a model says is gathered this long before it is appended: 20–50 ms cost nobody anything and save most writes. */
const coalesceMs = 30
/** Parts gathered at most: a group stays well below what one append may hold. */
const groupParts = 300
/** agent_thinking is short and for people; longer reasoning is cut into pieces. */
const thinkingChars = 2_000

/**
 * One step of the model on AI SDK 7: its reasoning as agent_thinking, its text as message_delta, and at the end
 * the calls it wants. The tools go to it without `execute`: the loop runs them itself, between two commits.
 */
export async function* modelStep(request: {
  readonly model: ResolvedModel
  readonly instructions: string
  readonly messages: readonly ModelMessage[]
  readonly tools: ReadonlyMap<string, ToolDefinition>
  readonly step: number
  readonly messageId: MessageId
  readonly signal: AbortSignal
}): AsyncGenerator<readonly NewEvent[], StepEnd, undefined> {
  const { step, messageId, signal } = request
  const result = streamText({
    model: request.model.model,
    instructions: request.instructions,
    messages: [...request.messages],
    tools: sdkTools(request.tools),
    abortSignal: signal,
    // The retry policy has one owner, and it is not hidden in here.
    maxRetries: 0,
    // Errors are read from the stream; the default would also print them.
    onError: () => {},
  })
  const calls: WantedCall[] = []
  const thinking = new Map<string, string>()
  let usage = { inputTokens: 0, outputTokens: 0 }
  let text = ''

  for await (const parts of batches(result.stream, coalesceMs, groupParts)) {
    const group: NewEvent[] = []
    let delta = ''
    const flushDelta = (): void => {
      if (delta !== '') group.push({ type: 'message_delta', data: { messageId, text: delta } })
      delta = ''
    }
    for (const part of parts) {
      switch (part.type) {
        case 'text-delta':
          text += part.text
          delta += part.text
          break
        case 'reasoning-delta':
          thinking.set(part.id, (thinking.get(part.id) ?? '') + part.text)
          break
        case 'reasoning-end':
          flushDelta()
          for (const piece of piecesOf(thinking.get(part.id) ?? ''))
            group.push({ type: 'agent_thinking', data: { step, text: piece } })
          thinking.delete(part.id)
          break
        case 'tool-call':
          calls.push({
            tool: part.toolName,
            input: part.input as Json,
            refusal: part.invalid === true ? String(errorMessage(part.error)) : null,
          })
          break
        case 'finish-step':
          usage = {
            inputTokens: part.usage.inputTokens ?? 0,
            outputTokens: part.usage.outputTokens ?? 0,
          }
          break
        case 'error':
          signal.throwIfAborted()
          // What was said before it is part of the story.
          flushDelta()
          if (group.length > 0) yield group
          throw asModelError(part.error)
        case 'abort':
          signal.throwIfAborted()
          break
        default:
          break
      }
    }
    flushDelta()
    // One commit for all that came together: it costs no more than one for the first of them.
    if (group.length > 0) yield group
  }
  signal.throwIfAborted()
  return { text, calls, ...usage }
}

const piecesOf = (text: string): readonly string[] =>
  text.match(new RegExp(`[\\s\\S]{1,${thinkingChars}}`, 'g')) ?? []

function sdkTools(tools: ReadonlyMap<string, ToolDefinition>): ToolSet {
  return Object.fromEntries(
    [...tools.values()].map((tool) => [
      tool.name,
      sdkTool({
        description: tool.description,
        inputSchema: jsonSchema(
          z.toJSONSchema(tool.input, { io: 'input' }) as Parameters<typeof jsonSchema>[0],
        ),
      }),
    ]),
  )
}

const errorMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A HoldfastError of our own rules passes; what a provider threw is wrapped, with its cause. */
function asModelError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('model_failed', `The language model failed: ${errorMessage(error)}`, {
    cause: error,
  })
}

/**
 * Parts of a stream gathered over up to `windowMs` from the first of them, and at most `most`, so that what has been
 * read is never held back by a model that stalls.
 */
async function* batches<Part>(
  stream: AsyncIterable<Part>,
  windowMs: number,
  most: number,
): AsyncGenerator<readonly Part[], void, undefined> {
  const iterator = stream[Symbol.asyncIterator]()
  let next = iterator.next()
  try {
    for (;;) {
      const first = await next
      if (first.done === true) return
      const batch = [first.value]
      next = iterator.next()
      const { promise: windowEnd, resolve } = Promise.withResolvers<'window'>()
      const timer = setTimeout(() => resolve('window'), windowMs)
      try {
        while (batch.length < most) {
          const winner = await Promise.race([next, windowEnd])
          if (winner === 'window' || winner.done === true) break
          batch.push(winner.value)
          next = iterator.next()
        }
      } finally {
        clearTimeout(timer)
      }
      yield batch
    }
  } finally {
    next.catch(() => {})
    await iterator.return?.()
  }
}
