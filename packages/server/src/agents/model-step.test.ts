import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import type { NewEvent } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type ToolDefinition } from '../tools/define-tool.ts'
import { modelStep, type StepEnd, stepLimits } from './model-step.ts'

const messageId = systemIdMaker()('message')
const usage = {
  inputTokens: { total: 7, noCache: 7, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 3, text: 3, reasoning: 0 },
}
const finish: LanguageModelV4StreamPart = {
  type: 'finish',
  finishReason: { unified: 'stop', raw: undefined },
  usage,
}

/** A provider's model as its package would give it: real parts, from a script. */
function scripted(
  parts: () => AsyncIterable<LanguageModelV4StreamPart> | Iterable<LanguageModelV4StreamPart>,
  asked: LanguageModelV4CallOptions[] = [],
): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'scripted',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('only streamed')),
    doStream: async (options) => {
      asked.push(options)
      return { stream: ReadableStream.from(parts()) }
    },
  }
}

async function step(
  model: LanguageModelV4,
  signal = new AbortController().signal,
): Promise<{ events: NewEvent[]; end: StepEnd | null; error: unknown }> {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    effect: 'pure',
    input: z.object({ at: z.string() }),
    execute: async () => ({ output: 1 }),
  }) as ToolDefinition
  const events: NewEvent[] = []
  const running = modelStep({
    model: { name: 'scripted', offline: false, model },
    instructions: 'Help.',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'What?' }] }],
    tools: new Map([['look', look]]),
    step: 1,
    messageId,
    signal,
  })
  try {
    for (;;) {
      const { done, value } = await running.next()
      if (done === true) return { events: [...events, ...value.last], end: value, error: null }
      events.push(...value)
    }
  } catch (error) {
    return { events, end: null, error }
  }
}

test('[A4] a provider gets the instructions, the messages and the tools as JSON schemas', async () => {
  const asked: LanguageModelV4CallOptions[] = []
  await step(scripted(() => [finish], asked))
  expect(asked[0]?.prompt.map(({ role }) => role)).toEqual(['system', 'user'])
  expect(asked[0]?.tools).toMatchObject([
    { type: 'function', name: 'look', inputSchema: { properties: { at: { type: 'string' } } } },
  ])
})

test('text and reasoning come in the order in which they were said, with usage at the end', async () => {
  const { events, end } = await step(
    scripted(() => [
      { type: 'text-delta', id: 't', delta: 'First ' },
      { type: 'text-delta', id: 't', delta: 'this.' },
      { type: 'reasoning-delta', id: 'r', delta: 'Then ' },
      { type: 'reasoning-delta', id: 'r', delta: 'thought.' },
      { type: 'reasoning-end', id: 'r' },
      { type: 'text-delta', id: 't', delta: ' Last.' },
      finish,
    ]),
  )
  expect(events).toEqual([
    { type: 'message_delta', data: { messageId, text: 'First this.' } },
    { type: 'agent_thinking', data: { step: 1, text: 'Then thought.' } },
    { type: 'message_delta', data: { messageId, text: ' Last.' } },
  ])
  expect(end).toMatchObject({
    text: 'First this. Last.',
    calls: [],
    usage: { inputTokens: 7, outputTokens: 3 },
  })
})

test('long reasoning is cut into pieces that people can read', async () => {
  const { events } = await step(
    scripted(() => [
      { type: 'reasoning-delta', id: 'r', delta: 'x'.repeat(4_100) },
      { type: 'reasoning-end', id: 'r' },
      finish,
    ]),
  )
  expect(events.map(({ data }) => ('text' in data ? String(data.text).length : 0))).toEqual([
    2_000, 2_000, 100,
  ])
})

test('input that is not JSON is refused to the model; no input at all is an empty object', async () => {
  const call = (toolCallId: string, input: string) =>
    ({ type: 'tool-call', toolCallId, toolName: 'look', input }) as const
  const { end } = await step(
    scripted(() => [call('a', '{"at":'), call('b', ''), call('c', '{"at":"x"}'), finish]),
  )
  expect(end?.calls).toMatchObject([
    { tool: 'look', input: '{"at":', refusal: expect.stringContaining('not JSON') },
    { tool: 'look', input: {}, refusal: null },
    { tool: 'look', input: { at: 'x' }, refusal: null },
  ])
})

test('whatever a model gives as input, the event of the call stays within its limit', async () => {
  const call = (input: string) => ({ type: 'tool-call', toolCallId: 'a', toolName: 'look', input }) as const
  const { end } = await step(
    scripted(() => [
      // As JSON each of these characters is six.
      call('\u0001'.repeat(stepLimits.inputBytes)),
      // And each of these numbers four times as long as it was written.
      call(`[${'1e20,'.repeat(9_000)}1]`),
      finish,
    ]),
  )
  expect(end?.calls).toHaveLength(2)
  for (const { input, refusal } of end?.calls ?? []) {
    expect(refusal).not.toBeNull()
    expect(Buffer.byteLength(JSON.stringify(input))).toBeLessThan(stepLimits.inputBytes)
  }
})

test('a stream that breaks fails with model_failed, after what was said before', async () => {
  const cut = async function* (): AsyncGenerator<LanguageModelV4StreamPart> {
    yield { type: 'text-delta', id: 't', delta: 'Half an' }
    throw new Error('socket hang up')
  }
  const { events, error } = await step(scripted(cut))
  expect(events).toEqual([{ type: 'message_delta', data: { messageId, text: 'Half an' } }])
  expect(error).toMatchObject({ code: 'model_failed', message: expect.stringContaining('socket hang up') })
})

test('an error part fails the step as well', async () => {
  const { events, error } = await step(
    scripted(() => [
      { type: 'text-delta', id: 't', delta: 'Half' },
      { type: 'error', error: new Error('overloaded') },
    ]),
  )
  expect(events).toHaveLength(1)
  expect(error).toMatchObject({ code: 'model_failed', message: expect.stringContaining('overloaded') })
})

test('[R6] an abort ends the step with its reason, not as a fault of the model, and lets the stream go', async () => {
  const controller = new AbortController()
  let letGo = false
  const stuck = async function* (): AsyncGenerator<LanguageModelV4StreamPart> {
    try {
      yield { type: 'text-delta', id: 't', delta: 'Half' }
      controller.abort(new Error('stopped by the user'))
      yield finish
    } finally {
      letGo = true
    }
  }
  const { error } = await step(scripted(stuck), controller.signal)
  expect(error).toMatchObject({ message: 'stopped by the user' })
  expect(letGo).toBe(true)
})
