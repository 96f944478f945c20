import { type StoredEvent, systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

const makeId = systemIdMaker()

async function openThread(server: TestServer) {
  const { id } = await server.threads.create(server.principal)
  const run = { id: makeId('run'), agent: 'test' }
  let step = 0
  const append = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      step += 1
      await server.append(id, run, { type: 'agent_thinking', data: { step, text: 'x' } })
    }
  }
  return { id, append, path: `${server.url}/v1/threads/${id}/events` }
}

/** What arrives of an event stream, block by block. */
function readBlocks(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return async (): Promise<string | null> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        if (!block.startsWith(':')) return block
        continue
      }
      const part = await reader?.read()
      if (part === undefined || part.done) return null
      text += part.value
    }
  }
}

const seqOf = (block: string | null): number | undefined => {
  const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block ?? '') ?? []
  if (data === undefined) return undefined
  const event = JSON.parse(data) as StoredEvent
  expect(String(event.seq)).toBe(id)
  return event.seq
}

const follow = (server: TestServer, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(path, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${server.token}`, ...headers },
  })

test('[L2] backlog, live, then what is committed; Last-Event-ID goes on where the stream ended', async () => {
  await using server = await openTestServer()
  const thread = await openThread(server)
  await thread.append(3)
  const response = await follow(server, `${thread.path}?after=1`)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const next = readBlocks(response)
  expect([seqOf(await next()), seqOf(await next())]).toEqual([2, 3])
  expect(await next()).toBe('event: live\ndata: 3')
  await thread.append(1)
  expect(seqOf(await next())).toBe(4)
  await response.body?.cancel().catch(() => {})

  await thread.append(2)
  const again = await follow(server, `${thread.path}?after=1`, { 'last-event-id': '4' })
  const after = readBlocks(again)
  expect([seqOf(await after()), seqOf(await after())]).toEqual([5, 6])
})

test('[L6] a cursor of another log is refused before the stream begins', async () => {
  await using server = await openTestServer()
  const thread = await openThread(server)
  for (const query of ['?after=1', `?epoch=${makeId('epoch')}`]) {
    const response = await follow(server, thread.path + query)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      409,
      'epoch_changed',
    ])
  }
})

test('[P1] another user’s thread answers as a missing one', async () => {
  await using server = await openTestServer()
  const thread = await openThread(server)
  const response = await follow(server, thread.path, { authorization: `Bearer ${server.otherToken}` })
  expect(response.status).toBe(404)
})

test('ends at a drain with the time to come back', async () => {
  await using server = await openTestServer()
  const thread = await openThread(server)
  const next = readBlocks(await follow(server, thread.path))
  expect(await next()).toBe('event: live\ndata: 0')
  await server.realtime.drain()
  expect(await next()).toMatch(/^retry: \d+$/)
  expect(await next()).toBeNull()
})
