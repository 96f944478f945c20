import type {
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
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
  readonly usage: StepUsage
}

export interface StepUsage {
  /** Cached ones are among them. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
}

/** What a model says is gathered this long before it is appended: 20–50 ms cost nobody anything and save most writes. */
const coalesceMs = 30
/** Parts gathered at most: a group stays well below what one append may hold. */
const groupParts = 300
/** As long as a tool's name can be; what a model makes up may be longer. */
const toolNameChars = 64
/** agent_thinking is short and for people; longer reasoning is cut into pieces. */
const thinkingChars = 2_000
/** Of a call's input that is no JSON. */
const brokenInputChars = 2_000
/** Of one message_delta: stays below limits.eventBytes, whatever the characters are. */
const deltaChars = 8_000

/** Text on its way out, in pieces: a filter may hold the end of a piece back until it knows what it is. */
export interface ProseFilter {
  push(piece: string): string
  /** What is still held back. */
  end(): string
}

const asSaid: ProseFilter = { push: (piece) => piece, end: () => '' }

export const stepLimits = {
  /** Tool calls a step may want; what a model wants beyond is not run, and it is told. */
  calls: 16,
  /** Characters a model may say or think in one step before it is stopped: far beyond any answer. */
  saidChars: 400_000,
  /** Of a call's input as JSON: leaves room for the envelope under limits.eventBytes. */
  inputBytes: 48 * 1024,
} as const

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
  /** What the agent does to the text before anybody sees it. Default: nothing. */
  readonly prose?: ProseFilter
}): AsyncGenerator<readonly NewEvent[], StepEnd, undefined> {
  const { step, messageId, signal } = request
  const said = gather(step, messageId, request.prose ?? asSaid)
  const calls: WantedCall[] = []
  let usage: StepUsage | null = null
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
            calls.push(wantedCall(part.toolName.slice(0, toolNameChars).toWellFormed(), part.input))
            break
          case 'finish':
            ended = true
            usage = usageOf(part.usage)
            break
          case 'error':
            throw part.error
          default:
            break
        }
      }
      if (said.chars() > stepLimits.saidChars)
        throw new HoldfastError(
          'model_failed',
          `${request.model.name} failed: it said more than ${stepLimits.saidChars} characters in one step`,
        )
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
  said.end()
  return {
    last: said.take(),
    text: said.allText(),
    calls: withinLimit(calls),
    usage: usageOr(request, usage, said.chars()),
  }
}

const charsPerToken = 4

/** A provider that counts nothing would be free of every budget: then it is estimated from what was sent and said. */
function usageOr(
  {
    model,
    messages,
  }: { readonly model: ResolvedModel; readonly messages: readonly LanguageModelV4Message[] },
  said: StepUsage | null,
  saidChars: number,
): StepUsage {
  if (said !== null && (model.offline || said.inputTokens + said.outputTokens > 0)) return said
  return {
    inputTokens: model.offline ? 0 : Math.ceil(JSON.stringify(messages).length / charsPerToken),
    outputTokens: model.offline ? 0 : Math.ceil(saidChars / charsPerToken),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
  }
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): StepUsage {
  return {
    inputTokens: count(inputTokens.total),
    outputTokens: count(outputTokens.total),
    cachedInputTokens: count(inputTokens.cacheRead),
    cacheWriteTokens: count(inputTokens.cacheWrite),
  }
}

/** What a provider counts is not ours: nothing, a fraction or less than nothing must not become history. */
const count = (value: number | undefined): number =>
  value !== undefined && Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0

/** The first beyond the limit stays, as the refusal of all of them. */
function withinLimit(calls: readonly WantedCall[]): readonly WantedCall[] {
  const beyond = calls[stepLimits.calls]
  if (beyond === undefined) return calls
  const refusal = `${calls.length} calls in one step are too many; only the first ${stepLimits.calls} were run. Ask for the others again if you need them.`
  return [...calls.slice(0, stepLimits.calls), { ...beyond, refusal }]
}

interface Gathered {
  text(delta: string): void
  reasoning(id: string, delta: string): void
  reasoned(id: string): void
  /** What was said since the last call, in its order. */
  take(): readonly NewEvent[]
  /** Nothing more comes: what was held back is said. */
  end(): void
  /** The whole text of the step. */
  allText(): string
  /** Said and thought so far. */
  chars(): number
}

function gather(step: number, messageId: MessageId, prose: ProseFilter): Gathered {
  const thinking = new Map<string, string>()
  let events: NewEvent[] = []
  let delta = ''
  let all = ''
  let chars = 0
  /** Half of a character that two parts share. */
  let half = ''
  const say = (text: string): void => {
    all += text
    delta += text
  }
  const flushText = (): void => {
    for (const text of piecesOf(delta, deltaChars))
      events.push({ type: 'message_delta', data: { messageId, text } })
    delta = ''
  }
  return {
    text(more) {
      chars += more.length
      const whole = half + more
      half = /[\uD800-\uDBFF]$/.exec(whole)?.[0] ?? ''
      say(prose.push(whole.slice(0, whole.length - half.length).toWellFormed()))
    },
    reasoning(id, more) {
      chars += more.length
      thinking.set(id, (thinking.get(id) ?? '') + more)
    },
    reasoned(id) {
      flushText()
      for (const text of piecesOf((thinking.get(id) ?? '').toWellFormed(), thinkingChars))
        events.push({ type: 'agent_thinking', data: { step, text } })
      thinking.delete(id)
    },
    take() {
      flushText()
      const taken = events
      events = []
      return taken
    },
    end() {
      say(prose.push(half.toWellFormed()) + prose.end())
      half = ''
    },
    allText: () => all,
    chars: () => chars,
  }
}

function wantedCall(tool: string, inputText: string): WantedCall {
  const tooLarge = (bytes: number): WantedCall => ({
    tool,
    input: {},
    refusal: `The input of ${tool} has ${bytes} bytes; at most ${stepLimits.inputBytes} are taken`,
  })
  const bytes = Buffer.byteLength(inputText)
  if (bytes > stepLimits.inputBytes) return tooLarge(bytes)
  try {
    // A tool without parameters: some providers send no text at all.
    const input = inputText.trim() === '' ? {} : (JSON.parse(inputText) as Json)
    // As the event will have it: 1e20 is written out in full.
    const written = Buffer.byteLength(JSON.stringify(input))
    return written > stepLimits.inputBytes ? tooLarge(written) : { tool, input, refusal: null }
  } catch (error) {
    const refusal = `The input of ${tool} is not JSON: ${errorMessage(error)}`
    // Its beginning shows what it was. As JSON a character of it may be six.
    return { tool, input: inputText.slice(0, brokenInputChars).toWellFormed(), refusal }
  }
}

const piecesOf = (text: string, chars: number): readonly string[] =>
  // By code point, so that no piece ends within one.
  text.match(new RegExp(`[\\s\\S]{1,${chars}}`, 'gu')) ?? []

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
      inputSchema: (tool.inputSchema ??
        z.toJSONSchema(tool.input, { io: 'input' })) as LanguageModelV4FunctionTool['inputSchema'],
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
