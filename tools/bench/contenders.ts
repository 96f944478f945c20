import { type ChildProcess, fork, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@holdfast/client'
import { position } from '@holdfast/protocol'
import type { ServerOrder } from '../faults/server.ts'
import { makeUsers, type TestUser } from '../faults/users.ts'

/** One receipt: when the server made (or committed) the event, on the clock that all processes here share. */
export type OnEvent = (madeAtMs: number) => void

/** One user's connection to a contender. */
export interface Connection {
  /** Starts a run of so many events; resolves when the last has arrived. */
  run(events: number, onEvent: OnEvent): Promise<void>
  close(): Promise<void>
}

export interface RunningContender extends AsyncDisposable {
  readonly pid: number
  connect(user: number): Promise<Connection>
}

export interface Contender {
  readonly name: string
  /** What an event that was sent is still worth after a fault: the figures beside it mean nothing without this. */
  readonly guarantee: string
  start(users: number): Promise<RunningContender>
}

const peers = fileURLToPath(new URL('./peers/', import.meta.url))

/** Installs the peers once; `npm ci` of the project never does. */
export async function installPeers(): Promise<void> {
  if (existsSync(join(peers, 'node_modules/socket.io'))) return
  console.log('installing the peers into tools/bench/peers (once) …')
  await ended(
    spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: peers, stdio: 'inherit' }),
  )
}

export const holdfast: Contender = {
  name: 'Holdfast (PGlite)',
  guarantee: 'in the log before it is sent; any cursor, any age; survives kill -9',
  start: startHoldfast,
}

export const socketIo: Contender = {
  name: 'Socket.IO 4.8, recovery on',
  guarantee: '2 minutes of memory; duplicates under resets; lost with the process',
  start: () => startPeer('socket-io-server.ts', connectSocketIo),
}

export const rawWs: Contender = {
  name: 'ws 8.23 alone',
  guarantee: 'none',
  start: () => startPeer('ws-server.ts', connectWs),
}

export const langGraph: Contender = {
  name: 'LangGraph JS dev server, SSE',
  guarantee: 'none over a restart',
  start: startLangGraph,
}

/** The house as it is, with many users and an agent that tells numbers; see tools/faults/server.ts. */
export async function startHoldfastServer(
  dataDir: string,
  users: readonly TestUser[],
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const order: ServerOrder = { dataDir, databaseUrl: null, port: 0, users, planted: null }
  const orderPath = join(dataDir, '..', 'order.json')
  await writeFile(orderPath, JSON.stringify(order))
  const child = fork(fileURLToPath(new URL('../faults/server.ts', import.meta.url)), [orderPath], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  child.once('message', (message) => resolve((message as { url: string }).url))
  child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)))
  return { child, url: await promise }
}

async function startHoldfast(users: number): Promise<RunningContender> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const known = makeUsers(users)
  const { child, url } = await startHoldfastServer(join(folder, 'data'), known)
  return {
    pid: pidOf(child),
    connect: (user) => connectHoldfast(url, known[user] ?? fail(`no user ${user}`)),
    async [Symbol.asyncDispose]() {
      await stop(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function connectHoldfast(url: string, user: TestUser): Promise<Connection> {
  const client = createClient({ url, token: user.token })
  const { id: threadId } = await client.createThread({})
  const signal = new AbortController()
  const events = client
    .events(threadId, { after: position(0), signal: signal.signal })
    [Symbol.asyncIterator]()
  // Connected and subscribed before the clock starts, as the others are.
  let next = events.next()
  next.catch(() => {})
  return {
    async run(count, onEvent) {
      await client.submit(threadId, { message: JSON.stringify({ events: count, legs: 1, pauseMs: 0 }) })
      for (;;) {
        const { value: event, done } = await next
        if (done === true) throw new Error('the stream ended before the run')
        next = events.next()
        next.catch(() => {})
        if (event.type === 'agent_thinking') onEvent(Date.parse(event.at))
        if (event.type === 'agent_failed') throw new Error(event.data.message)
        if (event.type === 'agent_completed') return
      }
    },
    async close() {
      signal.abort()
      await client[Symbol.asyncDispose]()
    },
  }
}

async function startPeer(
  file: string,
  connect: (port: number, user: number) => Promise<Connection>,
): Promise<RunningContender> {
  const child = fork(join(peers, file), [], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const port = Number((await saw(child, /listening (\d+)/))[1])
  return {
    pid: pidOf(child),
    connect: (user) => connect(port, user),
    [Symbol.asyncDispose]: () => stop(child),
  }
}

interface PeerEvent {
  readonly number: number
  readonly at: number
}

async function connectSocketIo(port: number, user: number): Promise<Connection> {
  const { io } = createRequire(join(peers, 'package.json'))('socket.io-client') as {
    io(
      url: string,
      options: object,
    ): {
      on(name: string, listener: (event: PeerEvent) => void): void
      emit(name: string, value: number): void
      disconnect(): void
    }
  }
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ['websocket'],
    auth: { user: String(user) },
    forceNew: true,
  })
  const connected = Promise.withResolvers<void>()
  socket.on('connect', () => connected.resolve())
  await connected.promise
  return {
    run: (events, onEvent) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.on('event', ({ number, at }) => {
        onEvent(at)
        if (number === events - 1) resolve()
      })
      socket.emit('run', events)
      return promise
    },
    close: async () => void socket.disconnect(),
  }
}

async function connectWs(port: number): Promise<Connection> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const connected = Promise.withResolvers<void>()
  socket.addEventListener('open', () => connected.resolve())
  await connected.promise
  return {
    run: (events, onEvent) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.addEventListener('message', ({ data }) => {
        const { number, at } = JSON.parse(String(data)) as PeerEvent
        onEvent(at)
        if (number === events - 1) resolve()
      })
      socket.send(String(events))
      return promise
    },
    close: async () => socket.close(),
  }
}

async function startLangGraph(): Promise<RunningContender> {
  const port = 20_000 + (process.pid % 20_000)
  const cli = join(peers, 'node_modules/.bin/langgraphjs')
  const child = spawn(cli, ['dev', '--no-browser', '--host', '127.0.0.1', '--port', String(port)], {
    cwd: peers,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  await saw(child, /Server running at/)
  const group = pidOf(child)
  return {
    pid: group,
    connect: async () => ({
      run: (events, onEvent) => streamLangGraph(port, events, onEvent),
      close: async () => {},
    }),
    async [Symbol.asyncDispose]() {
      // Its CLI starts processes of its own: the whole group goes.
      process.kill(-group, 'SIGKILL')
      await rm(join(peers, '.langgraph_api'), { recursive: true, force: true })
    },
  }
}

async function streamLangGraph(port: number, events: number, onEvent: OnEvent): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/runs/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ assistant_id: 'numbers', input: { events }, stream_mode: ['custom'] }),
  })
  if (!response.ok || response.body === null) throw new Error(`LangGraph answered ${response.status}`)
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    let end = text.indexOf('\n\n')
    while (end !== -1) {
      const frame = text.slice(0, end)
      text = text.slice(end + 2)
      end = text.indexOf('\n\n')
      if (frame.startsWith('event: custom')) onEvent(Number(/"at": ([\d.]+)/.exec(frame)?.[1]))
    }
  }
}

async function saw(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
    const match = pattern.exec(text)
    if (match !== null) resolve(match)
  })
  child.once('exit', (code) => reject(new Error(`ended with ${code} before ${pattern}: ${text}`)))
  return promise
}

const pidOf = (child: ChildProcess): number => child.pid ?? fail('the process did not start')

async function ended(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ended with ${code}`))))
  return promise
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill('SIGKILL')
  await promise
}

function fail(message: string): never {
  throw new Error(message)
}
