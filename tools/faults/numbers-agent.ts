/**
 * The agent of the campaigns. It tells as many thoughts as its message asks for, one commit each, each with a nonce
 * that nobody can guess. It does so in legs with a tool call between them, so that a run whose server was killed
 * goes on after its last finished leg (R3).
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { ToolEffect } from '@holdfast/protocol'
import { z } from 'zod'
import { type AgentDefinition, defineAgent } from '../../packages/server/src/agents/define-agent.ts'
import { createModelManager, type ModelManager } from '../../packages/server/src/models/model-manager.ts'
import { defineTool, type ToolDefinition } from '../../packages/server/src/tools/define-tool.ts'
import type { Execution } from './executions.ts'

/** What a message of a campaign says, as JSON. */
export const NumbersPlan = z.object({
  events: z.int().min(1),
  /** 0: all thoughts and the message in one step, without a tool. */
  legs: z.int().min(0),
  /** Between two events. */
  pauseMs: z.number().min(0),
  /** Of the tools between the legs, by turns. */
  effects: z.array(ToolEffect).min(1).default(['pure']),
  /** How long each of them takes. */
  toolMs: z.number().min(0).default(0),
  /** How long the first of them lets its process do nothing else. */
  busyMs: z.number().min(0).default(0),
})
type ParsedPlan = z.output<typeof NumbersPlan>
export type NumbersPlan = z.input<typeof NumbersPlan>

export interface NumbersOptions {
  /** Told of every execution of a tool. */
  readonly onExecution?: (execution: Omit<Execution, 'life' | 'atMs'>) => void
  readonly onMoment?: (moment: 'tool' | 'effect' | 'model') => void
}

/** Tells apart what two processes, or two lives of a server, have written. */
export const life = randomBytes(4).toString('hex')

/** One tool for each effect, which tells that it was run and takes its time. */
function legTools({ onExecution, onMoment }: NumbersOptions): ToolDefinition[] {
  return ToolEffect.options.map(
    (effect) =>
      defineTool({
        name: `leg_${effect}`,
        description: 'Marks the end of a leg.',
        effect,
        input: z.object({ leg: z.int(), ms: z.number(), busyMs: z.number() }),
        async execute({ leg, ms, busyMs }, { runId, callId, idempotencyKey, signal }) {
          onExecution?.({ effect, runId, callId, key: idempotencyKey })
          onMoment?.('tool')
          if (effect === 'effect') onMoment?.('effect')
          for (const untilMs = performance.now() + busyMs; performance.now() < untilMs; );
          if (ms > 0) await sleep(ms, undefined, { signal })
          return { output: { leg } }
        },
      }) as ToolDefinition,
  )
}

const usage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
}

/** A leg's parts; the worker commits each thought before it takes the next. */
async function* parts(
  { events, legs, pauseMs, effects, toolMs, busyMs }: ParsedPlan,
  leg: number,
  signal: AbortSignal | undefined,
  onMoment: NumbersOptions['onMoment'],
): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings: [] }
  const first = Math.floor((events * leg) / Math.max(legs, 1))
  const end = Math.floor((events * (leg + 1)) / Math.max(legs, 1))
  for (let number = first; number < Math.min(end, events); number += 1) {
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal })
    const id = String(number)
    yield { type: 'reasoning-start', id }
    yield { type: 'reasoning-delta', id, delta: `${number} ${life} ${randomBytes(16).toString('hex')}` }
    yield { type: 'reasoning-end', id }
    onMoment?.('model')
  }
  if (leg === legs) {
    yield { type: 'text-start', id: 'end' }
    yield { type: 'text-delta', id: 'end', delta: `Told ${events}, ${randomBytes(16).toString('hex')}` }
    yield { type: 'text-end', id: 'end' }
    yield { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage }
    return
  }
  yield {
    type: 'tool-call',
    toolCallId: `leg-${leg}`,
    toolName: `leg_${effects[leg % effects.length]}`,
    input: JSON.stringify({ leg, ms: toolMs, busyMs: leg === 0 ? busyMs : 0 }),
  }
  yield { type: 'finish', finishReason: { unified: 'tool-calls', raw: undefined }, usage }
}

const numbersModel = ({ onMoment }: NumbersOptions): LanguageModelV4 => ({
  specificationVersion: 'v4',
  provider: 'holdfast-faults',
  modelId: 'numbers',
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('The numbers are only streamed')),
  async doStream({ prompt, abortSignal }) {
    const asked = prompt.findLastIndex(({ role }) => role === 'user')
    const message = prompt[asked]
    if (message?.role !== 'user') throw new Error('A run begins with a message')
    const text = message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
    const plan = NumbersPlan.parse(JSON.parse(text))
    const legs = prompt.slice(asked).filter(({ role }) => role === 'tool').length
    return { stream: ReadableStream.from(parts(plan, legs, abortSignal, onMoment)) }
  },
})

/** What the house is given in the place of the data helper. */
export function numbersParts(options: NumbersOptions = {}): {
  readonly agents: readonly AgentDefinition[]
  readonly tools: readonly ToolDefinition[]
  readonly models: ModelManager
} {
  const tools = legTools(options)
  const agent = defineAgent({
    name: 'numbers',
    description: 'Tells numbered thoughts with nonces.',
    instructions: 'Count.',
    tools: tools.map(({ name }) => name),
    maxSteps: 1_000,
    offlineRules: null,
  })
  return {
    agents: [agent],
    tools,
    models: createModelManager(new Map([['numbers', numbersModel(options)]]), ['numbers']),
  }
}
