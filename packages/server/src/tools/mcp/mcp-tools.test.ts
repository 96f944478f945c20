import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ToolContext, ToolDefinition } from '../define-tool.ts'
import { type McpAccess, mcpLimits, readMcpTools } from './mcp-tools.ts'
import { openHostileServer, openToolServer, type TestToolServer } from './testing/tool-server.ts'

const access = (url: string, more: Partial<McpAccess> = {}): McpAccess => ({
  name: 'sea',
  url,
  headers: { authorization: 'Bearer hush-hush-hush' },
  effects: {},
  allowPrivate: true,
  ...more,
})
const context = { signal: new AbortController().signal } as ToolContext

describe('a real server of tools', () => {
  let server: TestToolServer
  let tools: readonly ToolDefinition[]
  beforeAll(async () => {
    server = await openToolServer()
    tools = await readMcpTools(access(server.url, { effects: { look: 'pure' } }))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const call = (name: string, input: object) =>
    tools.find((tool) => tool.name === name)?.execute(input, context)

  test('what it says of its tools is not believed: they have effects and ask first, but for those that we say', () => {
    expect(tools.map(({ name, effect, asksFirst }) => [name, effect, asksFirst])).toEqual([
      ['mcp_sea_look', 'pure', false],
      ['mcp_sea_send_mail', 'effect', true],
      ['mcp_sea_fail', 'effect', true],
      ['mcp_sea_flood', 'effect', true],
    ])
    expect(tools[0]?.inputSchema).toMatchObject({ type: 'object', properties: { at: { type: 'string' } } })
  })

  test('a call goes there and back, with the headers that are set', async () => {
    expect(await call('mcp_sea_look', { at: 'the cape' })).toEqual({
      output: { text: 'At the cape there is a lighthouse.' },
    })
    expect(server.requests.every(({ authorization }) => authorization === 'Bearer hush-hush-hush')).toBe(true)
  })

  test('input that it refuses, and a failure that it tells, are errors of the tool', async () => {
    await expect(call('mcp_sea_look', { at: 3 })).rejects.toMatchObject({ code: 'tool_failed' })
    await expect(call('mcp_sea_fail', {})).rejects.toThrow('The sea is rough.')
  })

  test('a flood is cut to what an event can hold', async () => {
    const { output } = (await call('mcp_sea_flood', {})) ?? {}
    const { text } = output as { text: string }
    expect(text.length).toBeLessThan(mcpLimits.resultChars + 100)
    expect(text).toMatch(/… \(\d+ characters\)$/)
  })

  test('a tool in effects that it has not is an error: a typo would leave the real one as it is', async () => {
    const wrong = access(server.url, { effects: { lok: 'pure' } })
    await expect(readMcpTools(wrong)).rejects.toThrow(/"lok", which it has not/)
  })

  test('on this machine, without allowPrivate, it is not even asked', async () => {
    const before = server.requests.length
    await expect(readMcpTools(access(server.url, { allowPrivate: false }))).rejects.toThrow(/allowPrivate/)
    expect(server.requests).toHaveLength(before)
  })
})

describe('a hostile one', () => {
  /** Speaks the protocol by hand, and answers tools/list with whatever the test says. */
  const withTools =
    (list: (cursor: unknown) => object) => async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const asked = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as {
        id?: number
        method?: string
        params?: { cursor?: string; protocolVersion?: string }
      }
      if (request.method !== 'POST') return void response.writeHead(405).end()
      if (asked.id === undefined) return void response.writeHead(202).end()
      const result =
        asked.method === 'initialize'
          ? {
              protocolVersion: asked.params?.protocolVersion ?? '2025-06-18',
              capabilities: { tools: {} },
              serverInfo: { name: 'x', version: '1' },
            }
          : list(asked.params?.cursor)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result }))
    }
  const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more })

  test.each<[string, (cursor: unknown) => object, RegExp]>([
    [
      'more tools than are taken',
      () => ({ tools: Array.from({ length: 1_000 }, (_, n) => tool(`t${n}`)) }),
      /1000 tools/,
    ],
    [
      'tools without end',
      () => ({ tools: Array.from({ length: 10 }, (_, n) => tool(`t${n}`)), nextCursor: 'more' }),
      /100 tools/,
    ],
    [
      'a schema without end',
      () => ({ tools: [tool('t', { inputSchema: { type: 'object', x: 'y'.repeat(20_000) } })] }),
      /schema of "t"/,
    ],
  ])('%s', async (_, list, message) => {
    const listener = withTools(list)
    await using server = await openHostileServer((request, response) => void listener(request, response))
    await expect(readMcpTools(access(server.url))).rejects.toThrow(message)
  })

  test('names that differ only in what we cannot say are told apart; a long description is cut', async () => {
    const listener = withTools(() => ({
      tools: [tool('a b', { description: 'x'.repeat(50_000) }), tool('A_B'), tool('../../../etc')],
    }))
    await using server = await openHostileServer((request, response) => void listener(request, response))
    const tools = await readMcpTools(access(server.url))
    expect(tools.map(({ name }) => name)).toEqual(['mcp_sea_a_b', 'mcp_sea_a_b_2', 'mcp_sea__etc'])
    expect(tools[0]?.description).toHaveLength(mcpLimits.descriptionChars)
  })

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    [
      'no JSON',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    ],
    [
      'an error that gives the token back',
      (request, response) => response.writeHead(500).end(request.headers.authorization),
    ],
    [
      'a redirect to the metadata of the cloud',
      (_, response) => response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
    ],
    ['a closed door', (_, response) => response.destroy()],
  ])('%s is one clear error without the token', async (_, listener) => {
    await using server = await openHostileServer(listener)
    const error = await readMcpTools(access(server.url)).catch((failure: unknown) => failure)
    expect(error).toMatchObject({
      name: expect.stringMatching(/Error$/),
      message: expect.stringMatching(/sea|redirects/),
    })
    expect(String(error)).not.toContain('hush')
  })
})
