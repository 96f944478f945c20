import { type Report, Run } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { makeId, openTestServer, type TestServer } from './test-server.test-support.ts'

async function ask(
  server: TestServer,
  path: string,
  { token = server.token, body }: { token?: string; body?: object } = {},
) {
  const response = await fetch(`${server.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { response, status: response.status, text: await response.text() }
}

async function newRun(server: TestServer): Promise<Run> {
  const thread = await server.threads.create(server.principal)
  const { text } = await ask(server, `/v1/threads/${thread.id}/runs`, { body: { message: 'Why?' } })
  return Run.parse(JSON.parse(text))
}

const query = {
  id: 'by_model',
  title: 'Cost by model',
  sql: 'SELECT 1',
  verified: true,
  columns: ['model', 'cost'],
  rows: [['=gpt', 1.5]],
  truncated: false,
}

test('a report goes out as HTML with its charts, as Markdown, and query by query as CSV; to others it is not there', async () => {
  await using server = await openTestServer()
  const run = await newRun(server)
  const workspace = server.workspace.thread(server.principal, run.threadId)
  const make = (kind: 'chart' | 'report', mediaType: string, content: string) =>
    workspace.createArtifact(run.id, { kind, title: 'Where the money goes', mediaType, content })
  const chart = await make('chart', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>')
  const report: Report = {
    title: 'Where the money goes',
    playbook: 'cost_breakdown',
    outcome: 'answered',
    text: '**$1.50** [fig:total] <script>alert(1)</script>',
    figures: [
      { id: 'total', label: 'Total', value: 1.5, unit: 'USD', query: 'by_model', row: 0, column: 'cost' },
    ],
    queries: [query],
    charts: [{ id: 'by_model', title: 'Cost', query: 'by_model', spec: {}, artifactId: chart.id }],
    caveats: [],
  }
  const { id } = await make('report', 'application/json', JSON.stringify(report))
  const path = `/v1/artifacts/${id}/export`

  const html = await ask(server, `${path}?format=html`)
  expect(html.response.headers.get('content-disposition')).toMatch(
    /^attachment; filename="Where the money goes\.html"/,
  )
  expect(html.response.headers.get('content-security-policy')).toContain('sandbox')
  expect(html.text).toContain('data:image/svg+xml;base64,')
  expect(html.text).toContain('&lt;script&gt;')
  expect((await ask(server, `${path}?format=md`)).text).toMatch(
    /^# Where the money goes\n[\s\S]*\*\*\$1\.50\*\*\[\^1\]/,
  )
  expect((await ask(server, `${path}?format=csv`)).text).toBe("model,cost\r\n'=gpt,1.5\r\n")
  expect((await ask(server, `${path}?format=csv&query=by_model`)).status).toBe(200)
  expect(await ask(server, `${path}?format=csv&query=none`)).toMatchObject({
    status: 404,
    text: expect.stringContaining('by_model'),
  })
  expect((await ask(server, `${path}?format=pdf`)).status).toBe(400)
  expect((await ask(server, `/v1/artifacts/${chart.id}/export?format=html`)).status).toBe(400)
  for (const format of ['html', 'md', 'csv'])
    expect((await ask(server, `${path}?format=${format}`, { token: server.otherToken })).status).toBe(404)
})

test('requests of a thread are listed with what has come, and the last one gives a file to fill', async () => {
  await using server = await openTestServer()
  const run = await newRun(server)
  const path = `/v1/threads/${run.threadId}`
  expect((await ask(server, `${path}/template`)).status).toBe(404)
  const item = (field: string) => ({ field, why: '', format: '', sample: '', howTo: [], unlocks: '' })
  const requestId = makeId('request')
  const template = [
    { name: 'time', sample: '2026-09-01T02:00:07Z' },
    { name: 'latency_ms', sample: '5588' },
  ]
  await server.append(run.threadId, run, {
    type: 'data_requested',
    data: {
      requestId,
      playbook: 'latency_tail',
      sufficiency: 'insufficient',
      items: [item('time'), item('latency_ms')],
      template,
    },
  })
  expect(JSON.parse((await ask(server, `${path}/requests`)).text)).toMatchObject({
    items: [
      { id: requestId, state: 'open', items: [{ field: 'time', fileId: null }, { field: 'latency_ms' }] },
    ],
  })
  const file = await ask(server, `${path}/template?request=${requestId}`)
  expect(file.text).toBe('time,latency_ms\r\n2026-09-01T02:00:07Z,5588\r\n')
  expect(file.response.headers.get('content-disposition')).toMatch(
    /^attachment; filename="latency_tail template\.csv"/,
  )
  expect((await ask(server, `${path}/template?request=${makeId('request')}`)).status).toBe(404)
  expect((await ask(server, `${path}/template?request=x`)).status).toBe(400)
})
