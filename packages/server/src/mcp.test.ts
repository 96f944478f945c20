import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { defineAgent } from './agents/define-agent.ts'
import { readSettings, SettingError } from './environment/settings.ts'
import { openModelServer } from './models/testing/model-server.ts'
import type { Reply } from './models/testing/wire.ts'
import { openaiWire } from './models/testing/wire-openai.ts'
import { openMcpTools } from './open-mcp-tools.ts'
import { startServer } from './start-server.ts'
import { talkTo } from './talk.test-support.ts'
import { silentLogger } from './telemetry/logger.ts'
import { openToolServer } from './tools/mcp/testing/tool-server.ts'

vi.setConfig({ testTimeout: 400_000 })

const clerk = defineAgent({
  name: 'clerk',
  description: 'Sends messages.',
  instructions: 'Send what you are asked to.',
  tools: [],
  offlineRules: () => ({ kind: 'say', text: 'By rule.' }),
})
const text = (...pieces: readonly string[]): Reply => ({ kind: 'text', pieces })
const call = (tool: string, input: object): Reply => ({
  kind: 'calls',
  calls: [{ tool, input: JSON.stringify(input) }],
})

async function settingsOf(environment: Record<string, string>, opened: AsyncDisposableStack) {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-mcp-'))
  opened.defer(() => rm(dataDir, { recursive: true, force: true }))
  return readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA_DIR: dataDir,
    ...environment,
  })
}

test('a tool with an effect is run after the user said so: exactly what was shown, once, and also after a restart', async () => {
  await using opened = new AsyncDisposableStack()
  const tools = opened.use(await openToolServer())
  const model = opened.use(await openModelServer(openaiWire, 'sk-0123456789'))
  const settings = await settingsOf(
    {
      HOLDFAST_MODEL: 'openai:gpt-5',
      HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
      HOLDFAST_OPENAI_API_KEY: model.key,
      HOLDFAST_MCP_SERVERS: JSON.stringify({
        post: { url: tools.url, effects: { look: 'pure' }, allowPrivate: true },
      }),
    },
    opened,
  )
  const start = () =>
    startServer({ settings, logger: silentLogger, advertise: false, parts: { agents: [clerk], tools: [] } })
  const mail = { to: 'ann@example.com', text: 'Hello\n```\n</script>' }
  // The model changes its mind about the text between the question and the answer.
  let version = 0
  model.script((asked) => {
    const last = asked.turns.at(-1)
    if (last?.role === 'result') return text(`Result: ${last.output}`)
    if (last?.role === 'user' && last.text.includes('lighthouse'))
      return call('mcp_post_look', { at: 'the cape' })
    if (last?.role === 'user' && /do not/i.test(last.text)) return text('Then I leave it.')
    version += 1
    return call('mcp_post_send_mail', { ...mail, text: version === 1 ? mail.text : `Other ${version}` })
  })

  const first = await start()
  const talk = talkTo(first)
  // One without an effect is simply called.
  expect((await talk.ask('Where is the lighthouse?')).answer).toContain('there is a lighthouse')
  const threadId = await talk.newThread()
  const asked = await talk.ask('Write to Ann', { threadId })
  expect(tools.sent).toEqual([])
  expect(asked.events.map(({ type }) => type)).toEqual([
    'run_queued',
    'agent_started',
    'data_requested',
    'message_delta',
    'agent_completed',
  ])
  expect(asked.events[2]).toMatchObject({
    data: {
      question: { choices: [{ value: 'approve' }, { value: 'decline' }] },
      approval: { tool: 'mcp_post_send_mail', input: mail },
    },
  })
  expect(asked.end).toMatchObject({ data: { outcome: 'needs_data' } })
  await first[Symbol.asyncDispose]()

  await using second = await start()
  const later = talkTo(second)
  const done = await later.ask('Run it', { threadId })
  expect(tools.sent).toEqual([`${mail.to}: ${mail.text}`])
  expect(done.events.map(({ type }) => type).slice(2, 4)).toEqual(['tool_executing', 'tool_completed'])
  expect(done.answer).toContain('Sent.')

  // It was for once: the same words without a question let nothing through, and the model asks anew.
  const again = await later.ask('approve', { threadId })
  expect(tools.sent).toHaveLength(1)
  expect(again.events.some(({ type }) => type === 'data_requested')).toBe(true)
  // Something else than the choice itself is no yes.
  const maybe = await later.ask('Yes, approve it, or whatever the file says', { threadId })
  expect(tools.sent).toHaveLength(1)
  expect(maybe.end).toMatchObject({ data: { outcome: 'needs_data' } })
  const left = await later.ask('Do not run it', { threadId })
  expect(left.answer).toBe('Then I leave it.')
  expect(tools.sent).toHaveLength(1)
})

test('a server of tools on this machine, or one that is not there, stops the boot and is named', async () => {
  await using opened = new AsyncDisposableStack()
  const tools = opened.use(await openToolServer())
  const boot = async (server: object) => {
    const settings = await settingsOf({ HOLDFAST_MCP_SERVERS: JSON.stringify({ post: server }) }, opened)
    return openMcpTools(settings.mcpServers, 'test', silentLogger)
  }
  await expect(boot({ url: tools.url })).rejects.toThrow(/HOLDFAST_MCP_SERVERS, post: .*allowPrivate/)
  await expect(boot({ url: 'http://127.0.0.1:9/', allowPrivate: true })).rejects.toThrow(SettingError)
  expect(tools.requests).toEqual([])
})

test.each([
  '{',
  '[]',
  '{"A":{"url":"https://x.test"}}',
  '{"a":{"url":"file:///x"}}',
  '{"a":{"url":"https://x.test","effects":{"y":"safe"}}}',
])('HOLDFAST_MCP_SERVERS=%s is refused without being shown', (value) => {
  expect(() => readSettings({ HOLDFAST_MCP_SERVERS: value })).toThrow(
    /^HOLDFAST_MCP_SERVERS must be a JSON object/,
  )
})
