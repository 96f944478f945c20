import { proofMessage, Version } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { proofAgent } from './agents/proof/proof-agent.ts'
import { proofTools } from './agents/proof/proof-tools.ts'
import { createRegistry } from './agents/registry.ts'
import { openNode } from './compose.test-support.ts'
import { createModelManager } from './models/model-manager.ts'
import type { Principal } from './principal.ts'

const nonce = '0123456789abcdef0123456789abcdef'

type Ask = (path: string, body?: unknown) => Promise<Response>

const asker =
  (url: string, token: string): Ask =>
  (path, body) =>
    fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

/** Types of all events of the run, when it has ended. */
async function eventsOf(
  ask: Ask,
  threadId: string,
): Promise<{ type: string; data: Record<string, unknown> }[]> {
  for (;;) {
    const page = (await (await ask(`/v1/threads/${threadId}/events`)).json()) as {
      items: { type: string; data: Record<string, unknown> }[]
    }
    if (/^agent_(completed|failed|cancelled)$/.test(page.items.at(-1)?.type ?? '')) return page.items
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('the proof agent', () => {
  test('carries out its script for the local user of a development server, the same each time', async () => {
    await using node = await openNode({ HOLDFAST_ENV: 'development' })
    const ask = asker(node.url, node.local?.token ?? '')
    const run = async (script: Parameters<typeof proofMessage>[0]) => {
      const thread = (await (await ask('/v1/threads', {})).json()) as { id: string }
      const submitted = await ask(`/v1/threads/${thread.id}/runs`, {
        agent: 'proof',
        model: 'offline',
        message: proofMessage(script),
      })
      expect(submitted.status).toBe(202)
      return eventsOf(ask, thread.id)
    }
    const twice = await run({ nonce, do: 'echo', calls: 2 })
    expect(twice.map(({ type }) => type)).toEqual([
      'run_queued',
      'agent_started',
      'agent_thinking',
      'tool_executing',
      'tool_completed',
      'agent_thinking',
      'tool_executing',
      'tool_completed',
      'message_delta',
      'agent_completed',
    ])
    expect(twice[4]?.data['output']).toEqual({ nonce, next: 'echo', fill: '' })
    expect(twice[8]?.data['text']).toBe(nonce)
    const failed = await run({ nonce, do: 'fail' })
    expect(failed.at(-1)?.type).toBe('agent_failed')
    const toolFailed = await run({ nonce, do: 'tool_error' })
    expect(toolFailed.find(({ type }) => type === 'tool_completed')?.data).toMatchObject({ ok: false })
    expect(toolFailed.at(-1)?.type).toBe('agent_completed')
    const late = await run({ nonce, do: 'tool_timeout' })
    expect(late.filter(({ type }) => type === 'tool_completed').at(-1)?.data['error']).toMatchObject({
      code: 'tool_timeout',
    })
  })

  test('is not there for anybody else', () => {
    const registry = createRegistry({
      agents: [{ ...proofAgent, name: 'helper', openTo: 'everyone' }, proofAgent],
      tools: proofTools,
      models: createModelManager(),
      mayProve: ({ kind }) => kind === 'simulated',
    })
    const principal = (kind: Principal['kind']): Principal => ({
      kind,
      userId: 'usr_x' as Principal['userId'],
    })
    expect(registry.agentsOf(principal('simulated')).map(({ name }) => name)).toEqual(['helper', 'proof'])
    for (const kind of ['user', 'service', 'local'] as const) {
      expect(registry.agentsOf(principal(kind)).map(({ name }) => name)).toEqual(['helper'])
      // Word for word what is said of an agent that does not exist.
      expect(() => registry.agent('proof', principal(kind))).toThrow(
        /There is no agent "proof"; choose one of helper$/,
      )
    }
    expect(registry.agent('proof').name).toBe('proof')
  })
})

test('/version says which build this is, and every answer which node', async () => {
  await using node = await openNode({
    HOLDFAST_COMMIT: 'abcdef0123456789abcdef0123456789abcdef01',
    HOLDFAST_IMAGE_DIGEST: `sha256:${'a'.repeat(64)}`,
  })
  const answer = await fetch(`${node.url}/version`)
  expect(answer.headers.get('x-holdfast-node')).toMatch(/^nod_/)
  const version = Version.parse(await answer.json())
  expect(version).toMatchObject({
    commit: 'abcdef0123456789abcdef0123456789abcdef01',
    image: `sha256:${'a'.repeat(64)}`,
  })
  const contract = await (await fetch(`${node.url}/v1/contract`)).arrayBuffer()
  const digest = await crypto.subtle.digest('SHA-256', contract)
  expect(version.contract).toBe(Buffer.from(digest).toString('hex'))
})
