import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { threadStream } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { makeId, openTestServer, type TestServer } from '../http/test-server.test-support.ts'

/** Clients that nobody here wrote: what they need of the wire is what the wire is. */
// Debian's package is for Debian's Python, which need not be the first on the path.
const python = ['python3', '/usr/bin/python3'].find(
  (path) => spawnSync(path, ['-c', 'import websockets']).status === 0,
)
const chromium = '/usr/bin/chromium'
const hasChromium = existsSync(chromium)
const patienceMs = 60_000

const cut = 300
const last = 2_000
type Line = { readonly seq?: number; readonly live?: number; readonly cut?: number }

/** A thread that grows: before the client comes, while it follows, while it is away, and when it is back. */
async function openThread(server: TestServer) {
  const { id } = await server.threads.create(server.principal)
  const run = { id: makeId('run'), agent: 'test' }
  let head = 0
  const appendTo = async (to: number): Promise<void> => {
    while (head < to) {
      const step = head + 1
      head += 1
      await server.append(id, run, { type: 'agent_thinking', data: { step, text: 'x'.repeat(100) } })
    }
  }
  await appendTo(200)
  return {
    stream: threadStream(id),
    /** Called with each line that the client reports. */
    async heard(line: Line): Promise<void> {
      if (line.live === 200) await appendTo(cut + 50)
      if (line.cut === cut) await appendTo(last)
    },
  }
}

function expectOnce(lines: readonly Line[]): void {
  const seqs = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))
  expect(seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1))
  expect(lines.filter((line) => line.cut !== undefined)).toEqual([{ cut }])
}

const webSocketUrl = (server: TestServer): string => `${server.url.replace('http', 'ws')}/v1/ws`

describe.skipIf(python === undefined)('Python websockets (needs python3-websockets)', () => {
  test('[L2] follows a thread, is cut off and resumes: each event once and in order', {
    timeout: patienceMs,
  }, async () => {
    await using server = await openTestServer()
    const thread = await openThread(server)
    const script = join(import.meta.dirname, 'foreign-client.test-support.py')
    const args = [script, webSocketUrl(server), server.token, thread.stream, String(cut), String(last)]
    if (python === undefined) throw new Error('There is no Python with websockets on this machine')
    const client = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: Line[] = []
    const grown: Promise<void>[] = []
    for await (const text of createInterface(client.stdout)) {
      const line = JSON.parse(text) as Line
      lines.push(line)
      grown.push(thread.heard(line))
    }
    await Promise.all(grown)
    expectOnce(lines)
  })
})

/** The same in a page; it tells its own server what it sees. */
const page = (url: string, token: string, stream: string): string => `<!doctype html><script type="module">
let reports = Promise.resolve()
const report = (lines) => (reports = reports.then(() => fetch('/report', { method: 'POST', body: JSON.stringify(lines) })))
const follow = (after, until) => new Promise((resolve) => {
  const socket = new WebSocket(${JSON.stringify(url)}, 'holdfast.v1')
  const send = (frame) => socket.send(JSON.stringify(frame))
  let applied = after
  socket.onopen = () => send({ type: 'hello', auth: ${JSON.stringify(token)}, instance: crypto.randomUUID(), subs: [{ stream: ${JSON.stringify(stream)}, after }] })
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data)
    if (frame.type === 'ping') send({ type: 'pong', n: frame.n })
    if (frame.type === 'live') report([{ live: frame.at }])
    if (frame.type !== 'ev' || applied === until) return
    const items = frame.items.filter(({ seq }) => seq <= until)
    report(items.map(({ seq }) => ({ seq })))
    applied = items.at(-1).seq
    send({ type: 'ack', stream: frame.stream, seq: applied })
    if (applied !== until) return
    socket.close()
    resolve(applied)
  }
  socket.onclose = ({ code, reason }) => { if (applied !== until) report([{ closed: code, reason }]) }
})
const cursor = await follow(0, ${cut})
await report([{ cut: cursor }])
await follow(cursor, ${last})
await report([{ end: true }])
</script>`

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

describe.skipIf(!hasChromium)('Chromium’s WebSocket (needs /usr/bin/chromium)', () => {
  test('[L2] follows a thread, is cut off and resumes: each event once and in order', {
    timeout: patienceMs,
  }, async () => {
    const pages = createServer()
    await once(pages.listen(0, '127.0.0.1'), 'listening')
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    await using server = await openTestServer({ origin })
    const thread = await openThread(server)
    const lines: Line[] = []
    const ended = Promise.withResolvers<void>()
    pages.on('request', (request, response) => {
      if (request.method !== 'POST') {
        response
          .writeHead(200, { 'content-type': 'text/html' })
          .end(request.url === '/' ? page(webSocketUrl(server), server.token, thread.stream) : '')
        return
      }
      void bodyOf(request).then(async (body) => {
        response.end()
        for (const line of JSON.parse(body) as (Line & { readonly end?: true; readonly closed?: number })[]) {
          if (line.closed !== undefined) ended.reject(new Error(`Closed: ${body}`))
          if (line.end) ended.resolve()
          else lines.push(line)
          await thread.heard(line)
        }
      })
    })
    const profile = await mkdtemp(join(tmpdir(), 'holdfast-chromium-'))
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`]
    const browser = spawn(chromium, [...flags, '--remote-debugging-port=0', `${origin}/`], {
      stdio: 'ignore',
    })
    try {
      await ended.promise
    } finally {
      await stop(browser)
      pages.close()
      pages.closeAllConnections()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    }
    expectOnce(lines)
  })
})
