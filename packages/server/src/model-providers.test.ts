import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from './agents/define-agent.ts'
import { openNode } from './compose.test-support.ts'
import type { RunningServer } from './compose.ts'
import { type ModelServer, openModelServer } from './models/testing/model-server.ts'
import type { Asked, Reply, Wire } from './models/testing/wire.ts'
import { anthropicWire } from './models/testing/wire-anthropic.ts'
import { compatibleWire } from './models/testing/wire-compatible.ts'
import { googleWire } from './models/testing/wire-google.ts'
import { openaiWire } from './models/testing/wire-openai.ts'
import { type Heard, type Talk, talkTo } from './talk.test-support.ts'
import { createLogger } from './telemetry/logger.ts'
import { defineTool, type ToolDefinition } from './tools/define-tool.ts'

/**
 * Whole servers whose models are the real providers' packages, speaking the real protocols to servers on this machine.
 * Whatever a provider does: the run comes to its end, the next model takes over, and no key is seen.
 */
const wires: readonly (readonly [Wire, model: string, priced: boolean])[] = [
  [openaiWire, 'gpt-5', true],
  [anthropicWire, 'claude-sonnet-4-5', true],
  [googleWire, 'gemini-2.5-pro', true],
  [compatibleWire, 'house-model', false],
]

// Whole servers with a database each.
vi.setConfig({ testTimeout: 300_000 })

let added = 0
const addTool = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  effect: 'pure',
  input: z.object({ left: z.number(), right: z.number() }),
  execute: async ({ left, right }) => {
    added += 1
    return { output: { sum: left + right } }
  },
})
const adder = defineAgent({
  name: 'adder',
  description: 'Adds.',
  instructions: 'You add numbers with the tool.',
  tools: ['add'],
  offlineRules: () => ({ kind: 'say', text: 'By rule: I cannot say.' }),
})

const text = (...pieces: readonly string[]): Reply => ({ kind: 'text', pieces })
const call = (input: string, tool = 'add'): Reply => ({ kind: 'calls', calls: [{ tool, input }] })
const answered = (asked: Asked): boolean => asked.turns.at(-1)?.role === 'result'
const status = (status: number, headers: Record<string, string> = {}): Reply => ({
  kind: 'status',
  status,
  message: 'Something is wrong here.',
  headers,
})
const thoughts = ({ events }: Heard): readonly string[] =>
  events.flatMap((event) => (event.type === 'agent_thinking' ? [event.data.text] : []))

const mainKey = 'sk-main-0123456789abcdef'
const spareKey = 'sk-spare-fedcba9876543210'

describe.each(wires.map(([wire, ...rest]) => [wire.provider, wire, ...rest] as const))(
  '%s',
  (_, wire, model, priced) => {
    const name = `${wire.provider}:${model}`
    // The spare speaks another protocol, so that the history made with one is read by the other.
    const spareWire = wire === openaiWire ? anthropicWire : openaiWire
    const spareName = `${spareWire.provider}:spare-model`
    let main: ModelServer
    let spare: ModelServer
    let server: RunningServer
    let talk: Talk
    const log: string[] = []

    beforeAll(async () => {
      main = await openModelServer(wire, mainKey)
      spare = await openModelServer(spareWire, spareKey)
      server = await openNode(
        {
          HOLDFAST_MODEL: `${name}, ${spareName}`,
          HOLDFAST_MODEL_SILENCE_SECONDS: '1',
          ...access(wire, main),
          ...access(spareWire, spare),
        },
        { agents: [adder], tools: [addTool as ToolDefinition] },
        createLogger({ level: 'debug', format: 'json', write: (line) => void log.push(line) }),
      )
      talk = talkTo(server)
    })
    afterAll(async () => {
      await server[Symbol.asyncDispose]()
      await main[Symbol.asyncDispose]()
      await spare[Symbol.asyncDispose]()
      const seen = log.join('')
      expect(seen).toContain('run ended')
      expect(seen).not.toMatch(/sk-main|sk-spare/)
    })
    beforeEach(() => {
      added = 0
      log.length = 0
      spare.script(() => text('The spare speaks.'))
    })

    /** Everything a run may leave must be free of keys, whatever came of it. */
    const ask = async (message: string, model?: string): Promise<Heard> => {
      const heard = await talk.ask(message, model === undefined ? {} : { model })
      expect(heard.wire).not.toMatch(/sk-main|sk-spare/)
      expect(log.join('')).not.toMatch(/sk-main|sk-spare/)
      expect(main.refused).toEqual([])
      expect(spare.refused).toEqual([])
      return heard
    }
    const sparesTurn = (heard: Heard): void => {
      expect(heard.end).toMatchObject({ type: 'agent_completed', data: { outcome: 'answered' } })
      expect(heard.answer).toBe('The spare speaks.')
      expect(thoughts(heard).at(-1)).toMatch(new RegExp(`^${name} .*${spareName} takes over\\.$`))
    }

    test('text streams as it comes, and usage and cost are told', async () => {
      main.script(() => text('Two ', 'and two ', 'is four.'))
      const heard = await ask('2 + 2?')
      expect(heard.answer).toBe('Two and two is four.')
      expect(heard.events[1]).toMatchObject({ type: 'agent_started', data: { model: name, offline: false } })
      expect(main.asked.at(-1)).toMatchObject({
        model,
        tools: ['add'],
        turns: [{ role: 'user', text: '2 + 2?' }],
      })
      expect(main.asked.at(-1)?.system).toContain('You add numbers')
      const { data } = heard.end as Extract<Heard['end'], { type: 'agent_completed' }>
      expect(data.usage).toMatchObject({ inputTokens: 1_000, outputTokens: 50, steps: 1 })
      expect(data.usage.models).toMatchObject([{ model: name, inputTokens: 1_000, cachedInputTokens: 200 }])
      if (priced) expect(data.usage.costUsd).toBeGreaterThan(0.0005)
      else expect(data.usage.costUsd).toBeUndefined()
    })

    test('a tool is called, and its result goes back to the model', async () => {
      main.script((asked) => (answered(asked) ? text('It is 5.') : call('{"left":2,"right":3}')))
      const heard = await ask('2 + 3?')
      expect(heard.events.map(({ type }) => type)).toEqual([
        'run_queued',
        'agent_started',
        'tool_executing',
        'tool_completed',
        'message_delta',
        'agent_completed',
      ])
      expect(heard.events[3]).toMatchObject({ data: { ok: true, output: { sum: 5 } } })
      expect(main.asked.at(-1)?.turns.slice(1)).toMatchObject([
        { role: 'call', tool: 'add', input: { left: 2, right: 3 } },
        { role: 'result', tool: 'add', output: expect.stringContaining('5') },
      ])
      expect(heard.end).toMatchObject({ data: { usage: { inputTokens: 2_000, steps: 2 } } })
    })

    test('several calls in one step are all answered', async () => {
      const calls = [1, 2, 3].map((left) => ({ tool: 'add', input: JSON.stringify({ left, right: 1 }) }))
      main.script((asked) => (answered(asked) ? text('Done.') : { kind: 'calls', calls }))
      expect((await ask('All of them')).answer).toBe('Done.')
      expect(added).toBe(3)
    })

    test.each([
      ['429 with Retry-After', 429, { 'retry-after': '3600' }],
      ['500', 500, {}],
      ['529 (overloaded)', 529, {}],
      ['401, with the key in the message', 401, {}],
      ['a redirect', 307, { location: 'http://127.0.0.1:9/' }],
    ])('%s: the next model takes over', async (_, code, headers) => {
      const message = code === 401 ? `Incorrect API key provided: ${mainKey}` : 'Something is wrong here.'
      main.script(() => ({ kind: 'status', status: code, headers, message }))
      const before = main.requests()
      sparesTurn(await ask('2 + 2?'))
      // The tier of tests is impatient: nothing is repeated there.
      expect(main.requests() - before).toBe(1)
    })

    test('where no other model is left, the failure is the end, and says what it was', async () => {
      main.script(() => status(500))
      const { end } = await ask('2 + 2?', name)
      expect(end).toMatchObject({
        type: 'agent_failed',
        data: {
          code: 'model_failed',
          retryable: true,
          message: expect.stringContaining(`${name} answered 500`),
        },
      })
    })

    test.each(['reset', 'end'] as const)(
      'cut in the middle (%s): asked once more, and only what it then says is the answer',
      async (how) => {
        main.script((_, index) =>
          index === 0 ? { kind: 'cut', pieces: ['Half an'], how } : text('A whole one.'),
        )
        const heard = await ask('2 + 2?')
        expect(heard.answer).toBe('A whole one.')
        expect(heard.end).toMatchObject({ type: 'agent_completed', data: { summary: 'A whole one.' } })
        expect(thoughts(heard)).toEqual([expect.stringMatching(/It is asked again\.$/)])
      },
    )

    test('cut in the middle again and again: the next model takes over', async () => {
      main.script(() => ({ kind: 'cut', pieces: ['Half an'], how: 'reset' }))
      sparesTurn(await ask('2 + 2?'))
    })

    test('cut before anything was said: the next model takes over', async () => {
      main.script(() => ({ kind: 'cut', pieces: [], how: 'end' }))
      sparesTurn(await ask('2 + 2?'))
    })

    test('an error within the stream: the next model takes over', async () => {
      main.script(() => ({ kind: 'error', pieces: ['Half'], message: 'Overloaded' }))
      sparesTurn(await ask('2 + 2?'))
    })

    test.each([
      ['before it says anything', []],
      ['in the middle', ['Half']],
    ])('silence %s: given up after the time that is set, and let go', async (_, pieces) => {
      main.script(() => ({ kind: 'silence', pieces }))
      const heard = await ask('2 + 2?')
      sparesTurn(heard)
      expect(thoughts(heard).at(-1)).toContain('said nothing for 1 s')
      await main.letGo
    })

    test('a failure after a tool was run: the next model goes on from its result, and nothing is run again', async () => {
      main.script((asked) => (answered(asked) ? status(500) : call('{"left":2,"right":3}')))
      spare.script((asked) => text(`The spare was told ${asked.turns.at(-1)?.role}.`))
      const heard = await ask('2 + 3?')
      expect(heard.answer).toBe('The spare was told result.')
      expect(added).toBe(1)
      expect(heard.end).toMatchObject({
        data: { usage: { models: [{ model: name }, { model: spareName }] } },
      })
    })

    // Google's arguments are an object and no text: they cannot be broken.
    if (wire !== googleWire)
      test('input that is no JSON is told to the model, which does it better', async () => {
        main.script((asked) => {
          const last = asked.turns.at(-1)
          if (last?.role === 'user') return call('{"left":2,"ri')
          return last?.role === 'result' && last.output.includes('not JSON')
            ? call('{"left":2,"right":3}')
            : text('5.')
        })
        const heard = await ask('2 + 3?')
        expect(heard.answer).toBe('5.')
        expect(heard.events.filter(({ type }) => type === 'tool_completed')).toMatchObject([
          { data: { ok: false, error: { code: 'bad_request' } } },
          { data: { ok: true, output: { sum: 5 } } },
        ])
      })

    test('input that does not fit, and a tool that there is not, are told to the model', async () => {
      main.script((asked, index) => {
        if (index === 0) return call('{"left":"two"}')
        if (index === 1) return call('{}', 'delete_everything')
        return answered(asked) ? text('I cannot.') : text('?')
      })
      const heard = await ask('2 + 3?')
      expect(heard.answer).toBe('I cannot.')
      expect(heard.events.filter(({ type }) => type === 'tool_completed')).toMatchObject([
        { data: { ok: false, error: { message: expect.stringContaining('does not fit') } } },
        { data: { ok: false, error: { message: expect.stringContaining('no tool delete_everything') } } },
      ])
      expect(added).toBe(0)
    })

    test('an endless loop of calls ends at the limit of steps', async () => {
      main.script(() => call('{"left":1,"right":1}'))
      const { end } = await ask('Go on for ever')
      expect(end).toMatchObject({ type: 'agent_failed', data: { code: 'step_limit' } })
      expect(added).toBe(24)
    })

    test('of a hundred calls in one step sixteen are run', async () => {
      const calls = Array.from({ length: 100 }, () => ({ tool: 'add', input: '{"left":1,"right":1}' }))
      main.script((asked) => (answered(asked) ? text('Enough.') : { kind: 'calls', calls }))
      const heard = await ask('All at once')
      expect(heard.answer).toBe('Enough.')
      expect(added).toBe(16)
    })

    test('the built-in rules stay there to be asked', async () => {
      const before = main.requests()
      const heard = await ask('2 + 2?', 'offline')
      expect(heard.answer).toBe('By rule: I cannot say.')
      expect(heard.events[1]).toMatchObject({ data: { model: 'offline', offline: true } })
      expect(main.requests()).toBe(before)
    })
  },
)

test('a deployment waits as long as it was asked to, and then gets its answer', async () => {
  await using main = await openModelServer(openaiWire, mainKey)
  await using server = await openNode({
    HOLDFAST_ENV: 'staging',
    HOLDFAST_MODEL: 'openai:gpt-5',
    ...access(openaiWire, main),
  })
  main.script((_, index) => (index === 0 ? status(429, { 'retry-after': '1' }) : text('Now.')))
  const began = performance.now()
  const heard = await talkTo(server).ask('2 + 2?')
  expect(heard.answer).toBe('Now.')
  expect(performance.now() - began).toBeGreaterThan(1_000)
  expect(main.requests()).toBe(2)
})

test('a wrong key is said without the key, and the rules take over where they come next', async () => {
  await using main = await openModelServer(openaiWire, mainKey)
  await using server = await openNode({
    HOLDFAST_MODEL: 'openai:gpt-5,offline',
    ...access(openaiWire, main),
    OPENAI_API_KEY: 'sk-wrong-0000000000000000',
  })
  const heard = await talkTo(server).ask('Where does the money go?')
  expect(heard.wire).not.toContain('sk-wrong')
  expect(thoughts(heard)[0]).toMatch(/^openai:gpt-5 answered 401: .*offline takes over\.$/)
  expect(heard.end).toMatchObject({ type: 'agent_completed', data: { outcome: 'needs_data' } })
})

/** The second name of each key: what people have set already. */
function access({ provider }: Wire, { baseUrl, key }: ModelServer): Record<string, string> {
  switch (provider) {
    case 'openai':
      return { HOLDFAST_OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: key }
    case 'anthropic':
      return { HOLDFAST_ANTHROPIC_BASE_URL: baseUrl, ANTHROPIC_API_KEY: key }
    case 'google':
      return { HOLDFAST_GOOGLE_BASE_URL: baseUrl, GOOGLE_GENERATIVE_AI_API_KEY: key }
    case 'compatible':
      return { HOLDFAST_COMPATIBLE_BASE_URL: baseUrl, HOLDFAST_COMPATIBLE_API_KEY: key }
    default:
      return provider satisfies never
  }
}
