import type {
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import type { Json, MessageId, NewEvent } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import { z } from 'zod'
import type { ResolvedModel } from '../models/model-manager.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'

export interface WantedCall {
  readonly tool: string
  readonly input: Json
  /** Why the call cannot be made: input that is no JSON. Told to the model as its result. */
  readonly refusal: string | null
}

export interface StepEnd {
  /** What was said last, not yet yielded: it commits with what comes next, which saves a commit a step. */
  readonly last: readonly NewEvent[]
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
 * One step of the model: its reasoning as agent_thinking, its text as message_delta, and at the end the calls it
 * wants. It speaks to the provider interface (`LanguageModelV4`) itself: the loop runs the tools, between two
 * commits, and a client of the provider above it would cost 0.7 ms a step and 15 µs a part (ADR 0009).
 */
export async function* modelStep(request: {
  readonly model: ResolvedModel
  readonly instructions: string
  readonly messages: readonly LanguageModelV4Message[]
  readonly tools: ReadonlyMap<string, ToolDefinition>
  readonly step: number
  readonly messageId: MessageId
  readonly signal: AbortSignal
}): AsyncGenerator<readonly NewEvent[], StepEnd, undefined> {
  const { step, messageId, signal } = request
  const said = gather(step, messageId)
  const calls: WantedCall[] = []
  let usage = { inputTokens: 0, outputTokens: 0 }
  let ended = false
  try {
    const { stream } = await request.model.model.doStream({
      prompt: [{ role: 'system', content: request.instructions }, ...request.messages],
      tools: functionTools(request.tools),
      toolChoice: { type: 'auto' },
      abortSignal: signal,
    })
    for await (const parts of batches(stream, coalesceMs, groupParts)) {
      for (const part of parts) {
        switch (part.type) {
          case 'text-delta':
            said.text(part.delta)
            break
          case 'reasoning-delta':
            said.reasoning(part.id, part.delta)
            break
          case 'reasoning-end':
            said.reasoned(part.id)
            break
          case 'tool-call':
            calls.push(wantedCall(part.toolName, part.input))
            break
          case 'finish':
            ended = true
            usage = {
              inputTokens: part.usage.inputTokens.total ?? 0,
              outputTokens: part.usage.outputTokens.total ?? 0,
            }
            break
          case 'error':
            throw part.error
          default:
            break
        }
      }
      if (ended) break
      // One commit for all that came together: it costs no more than one for the first of them.
      const group = said.take()
      if (group.length > 0) yield group
    }
  } catch (error) {
    signal.throwIfAborted()
    // What was said before the fault is part of the story.
    const group = said.take()
    if (group.length > 0) yield group
    throw asModelError(error)
  }
  signal.throwIfAborted()
  return { last: said.take(), text: said.allText(), calls, ...usage }
}

interface Gathered {
  text(delta: string): void
  reasoning(id: string, delta: string): void
  reasoned(id: string): void
  /** What was said since the last call, in its order. */
  take(): readonly NewEvent[]
  /** The whole text of the step. */
  allText(): string
}

function gather(step: number, messageId: MessageId): Gathered {
  const thinking = new Map<string, string>()
  let events: NewEvent[] = []
  let delta = ''
  let all = ''
  const flushText = (): void => {
    if (delta !== '') events.push({ type: 'message_delta', data: { messageId, text: delta } })
    delta = ''
  }
  return {
    text(more) {
      all += more
      delta += more
    },
    reasoning: (id, more) => void thinking.set(id, (thinking.get(id) ?? '') + more),
    reasoned(id) {
      flushText()
      for (const text of piecesOf(thinking.get(id) ?? ''))
        events.push({ type: 'agent_thinking', data: { step, text } })
      thinking.delete(id)
    },
    take() {
      flushText()
      const taken = events
      events = []
      return taken
    },
    allText: () => all,
  }
}

function wantedCall(tool: string, inputText: string): WantedCall {
  try {
    // A tool without parameters: some providers send no text at all.
    const input = inputText.trim() === '' ? {} : (JSON.parse(inputText) as Json)
    return { tool, input, refusal: null }
  } catch (error) {
    return { tool, input: inputText, refusal: `The input of ${tool} is not JSON: ${errorMessage(error)}` }
  }
}

const piecesOf = (text: string): readonly string[] =>
  text.match(new RegExp(`[\\s\\S]{1,${thinkingChars}}`, 'g')) ?? []

/** The schemas of a registry's tools never change: they are made once. */
const schemas = new WeakMap<ToolDefinition, LanguageModelV4FunctionTool>()

function functionTools(tools: ReadonlyMap<string, ToolDefinition>): LanguageModelV4FunctionTool[] {
  return [...tools.values()].map((tool) => {
    const known = schemas.get(tool)
    if (known !== undefined) return known
    const made: LanguageModelV4FunctionTool = {
      type: 'function',
      name: tool.name,
      description: tool.description,
      inputSchema: z.toJSONSchema(tool.input, {
        io: 'input',
      }) as LanguageModelV4FunctionTool['inputSchema'],
    }
    schemas.set(tool, made)
    return made
  })
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
async function* batches(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  windowMs: number,
  most: number,
): AsyncGenerator<readonly LanguageModelV4StreamPart[], void, undefined> {
  const reader = stream.getReader()
  let next = reader.read()
  try {
    for (;;) {
      const first = await next
      if (first.done) return
      const batch = [first.value]
      next = reader.read()
      const { promise: windowEnd, resolve } = Promise.withResolvers<'window'>()
      const timer = setTimeout(() => resolve('window'), windowMs)
      try {
        while (batch.length < most) {
          const winner = await Promise.race([next, windowEnd])
          if (winner === 'window' || winner.done) break
          batch.push(winner.value)
          next = reader.read()
        }
      } catch {
        // The stream broke: what came before is given first, and the next round meets the fault again.
      } finally {
        clearTimeout(timer)
      }
      yield batch
    }
  } finally {
    next.catch(() => {})
    // Nobody reads on: the provider's connection is let go.
    reader.cancel().catch(() => {})
  }
}
