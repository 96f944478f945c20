import { Problem, Thread } from '@holdfast/protocol'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from './agents/define-agent.ts'
import { openModelServer } from './models/testing/model-server.ts'
import { usage } from './models/testing/wire.ts'
import { openaiWire } from './models/testing/wire-openai.ts'
import { audience, openWithProvider } from './sign-in.test-support.ts'
import { talkTo } from './talk.test-support.ts'
import { defineTool, type ToolDefinition } from './tools/define-tool.ts'

// Whole servers with a database and a provider each.
vi.setConfig({ testTimeout: 300_000 })

const slowTool = defineTool({
  name: 'slow',
  description: 'Takes a little more than a second.',
  effect: 'pure',
  timeoutMs: 60_000,
  input: z.object({}),
  async execute() {
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    return { output: null }
  },
})
const agent = defineAgent({
  name: 'helper',
  description: 'Helps.',
  instructions: 'You help.',
  tools: ['slow'],
  offlineRules: (results) =>
    results.length === 0
      ? { kind: 'call', tool: 'slow', input: {}, thinking: 'Slowly.' }
      : { kind: 'say', text: 'Done.' },
})
const parts = { agents: [agent], tools: [slowTool as ToolDefinition] }

/** One message after another, each with how its run ended, until one is refused. */
async function askUntilRefused(environment: Record<string, string>, messages: number) {
  await using house = await openWithProvider({}, environment, { parts })
  const { server, oidc } = house
  const exp = Math.floor(Date.now() / 1000) + 3600
  const token = await oidc.sign({ iss: oidc.issuer, aud: audience, sub: 'ann', exp })
  const talk = talkTo(server, token)
  const ends: string[] = []
  for (let count = 0; count < messages; count += 1) ends.push((await talk.ask('x')).end.type)
  const thread = Thread.parse(await (await talk.post('/v1/threads', {})).json())
  const refused = await talk.post(`/v1/threads/${thread.id}/runs`, { message: 'x' })
  return { ends, problem: Problem.parse(await refused.json()) }
}

test('what a model of a run uses up is of the user’s tokens: at the end of them the next message is refused', async () => {
  await using model = await openModelServer(openaiWire, 'sk-quota')
  const ofRun = usage.inputTokens + usage.outputTokens
  const { ends, problem } = await askUntilRefused(
    {
      HOLDFAST_MODEL: 'openai:gpt-5',
      HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
      OPENAI_API_KEY: model.key,
      HOLDFAST_TOKENS_PER_DAY: String(2 * ofRun),
    },
    2,
  )
  expect(ends).toEqual(['agent_completed', 'agent_completed'])
  expect(problem).toMatchObject({ status: 429, code: 'quota_reached' })
  expect(problem.detail).toContain(`${2 * ofRun} tokens of language models a day`)
})

test('how long the tools of a run took is of the user’s seconds', async () => {
  const { ends, problem } = await askUntilRefused({ HOLDFAST_TOOL_SECONDS_PER_DAY: '2' }, 1)
  expect(ends).toEqual(['agent_completed'])
  expect(problem).toMatchObject({ status: 429, code: 'quota_reached' })
  expect(problem.detail).toContain('2 seconds of tools a day')
})
