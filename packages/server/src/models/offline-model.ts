import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'

/** A tool result of the run under way, as the model sees it. */
export interface SeenResult {
  readonly tool: string
  readonly ok: boolean
  /** The tool's output; of a failed call the error's text. */
  readonly output: unknown
}

/** What the rules decide: call a tool, say the answer, or give up with an error that names its code. */
export type OfflineStep =
  | {
      readonly kind: 'call'
      readonly tool: string
      readonly input: Readonly<Record<string, unknown>>
      readonly thinking: string
    }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'fail'; readonly error: Error }

/** Pure: from the results so far, oldest first, and the message that is answered, to the next step. */
export type OfflineRules = (results: readonly SeenResult[], message: { readonly text: string }) => OfflineStep

export const offlineModelName = 'offline'

/**
 * A real LanguageModelV4 whose next step is chosen by rules instead of weights (A4): it needs no key and no network,
 * drives the same tools through the same loop, and never pretends to understand more than its rules do.
 */
export function createOfflineModel(rules: OfflineRules): LanguageModelV4 {
  const stepFor = (options: LanguageModelV4CallOptions): OfflineStep => {
    options.abortSignal?.throwIfAborted()
    return rules(resultsSinceLastMessage(options.prompt), { text: lastMessage(options.prompt) })
  }
  return {
    specificationVersion: 'v4',
    provider: 'holdfast',
    modelId: offlineModelName,
    supportedUrls: {},
    doGenerate: async (options) => {
      const step = stepFor(options)
      if (step.kind === 'fail') throw step.error
      const content =
        step.kind === 'say' ? [{ type: 'text' as const, text: step.text }] : [toolCall(options, step)]
      return { content, finishReason: finishReason(step), usage: noUsage, warnings: [] }
    },
    doStream: async (options) => ({ stream: ReadableStream.from(parts(options, stepFor(options))) }),
  }
}

function* parts(
  options: LanguageModelV4CallOptions,
  step: OfflineStep,
): Generator<LanguageModelV4StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings: [] }
  switch (step.kind) {
    case 'call':
      yield { type: 'reasoning-start', id: 'thinking' }
      yield { type: 'reasoning-delta', id: 'thinking', delta: step.thinking }
      yield { type: 'reasoning-end', id: 'thinking' }
      yield toolCall(options, step)
      break
    case 'say':
      yield { type: 'text-start', id: 'answer' }
      yield { type: 'text-delta', id: 'answer', delta: step.text }
      yield { type: 'text-end', id: 'answer' }
      break
    case 'fail':
      yield { type: 'error', error: step.error }
      return
  }
  yield { type: 'finish', finishReason: finishReason(step), usage: noUsage }
}

function toolCall(options: LanguageModelV4CallOptions, step: Extract<OfflineStep, { kind: 'call' }>) {
  return {
    type: 'tool-call' as const,
    // Unique within the prompt: the loop gives calls ids of its own.
    toolCallId: `offline-${options.prompt.length}`,
    toolName: step.tool,
    input: JSON.stringify(step.input),
  }
}

const finishReason = (step: OfflineStep) => ({
  unified: step.kind === 'call' ? ('tool-calls' as const) : ('stop' as const),
  raw: undefined,
})

const noUsage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
}

function lastMessage(prompt: readonly LanguageModelV4Message[]): string {
  const message = prompt.findLast(({ role }) => role === 'user')
  if (message?.role !== 'user') return ''
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** The tool results after the last user message: those of the run under way. */
function resultsSinceLastMessage(prompt: readonly LanguageModelV4Message[]): SeenResult[] {
  const from = prompt.findLastIndex(({ role }) => role === 'user') + 1
  return prompt
    .slice(from)
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .flatMap((part) => (part.type === 'tool-result' ? [seenResult(part)] : []))
}

function seenResult({ toolName: tool, output }: LanguageModelV4ToolResultPart): SeenResult {
  switch (output.type) {
    case 'json':
    case 'text':
      return { tool, ok: true, output: output.value }
    case 'error-text':
    case 'error-json':
      return { tool, ok: false, output: output.value }
    case 'execution-denied':
    case 'content':
      return { tool, ok: false, output: output.type }
  }
}
