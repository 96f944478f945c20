import type { Fault, FaultContext, HttpMessage, ProxiedSocket } from './fault-proxy.ts'

export interface PlantedFault {
  readonly name: string
  /** The check that has to fail on it. */
  readonly check: string
  readonly fault: () => Fault
  /** Where the plan's is too short for what has to be waited for. */
  readonly patienceMs?: number
  /** What else is different while it stands: hooks that do not do what they should, a stable build to compare with. */
  readonly setting?:
    | 'stall'
    | 'against'
    | 'restart-kills'
    | 'kill-forgets'
    | 'rollback-does-nothing'
    | 'certificate'
}

type Frame = Record<string, unknown>
interface Item {
  readonly seq: number
  readonly type: string
  readonly runId: string
}

const itemsOf = (frame: Frame): readonly Item[] =>
  frame['type'] === 'ev' && Array.isArray(frame['items']) ? (frame['items'] as Item[]) : []

/** Frames of one item each: so single events can be dropped, doubled and exchanged without a gap inside a frame. */
const split = (frame: Frame): readonly Frame[] =>
  itemsOf(frame).map((item) => ({ ...frame, first: item.seq, items: [item] }))

/** Changes what an `ev` frame carries, item by item; other frames pass. */
const items =
  (change: (one: Frame, item: Item, socket: ProxiedSocket, context: FaultContext) => readonly object[]) =>
  (frame: Frame, socket: ProxiedSocket, context: FaultContext): readonly object[] =>
    frame['type'] === 'ev'
      ? split(frame).flatMap((one) => {
          const [item] = itemsOf(one)
          return item === undefined ? [] : change(one, item, socket, context)
        })
      : [frame]

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const json = (message: HttpMessage, change: (body: Frame) => unknown): void => {
  try {
    message.body = JSON.stringify(change(JSON.parse(message.body) as Frame))
  } catch {
    // What is no JSON stays as it is.
  }
}

const once = (context: FaultContext, key: string): boolean => {
  if (context.state.has(key)) return false
  context.state.set(key, true)
  return true
}

const isEventsPage = (path: string): boolean => /^\/v1\/threads\/[^/]+\/events/.test(path)
const resumesAfter = (socket: ProxiedSocket): number | null => {
  for (const after of socket.subs.values()) if (typeof after === 'number' && after > 0) return after
  return null
}

/** Remembers the credentials that were good, as a server that confuses users would have them at hand. */
const remember = (context: FaultContext, headers: Record<string, string>, path = ''): void => {
  const { authorization } = headers
  if (authorization === undefined) return
  const [, id] = /(thr_[0-9A-Z]{26}|run_[0-9A-Z]{26})/.exec(path) ?? []
  if (id !== undefined && !context.state.has(`owner ${id}`)) context.state.set(`owner ${id}`, authorization)
  if (!context.state.has('good')) context.state.set('good', authorization)
}

/** The twelve of the issue first: each has to turn a proof of any server into a NO-GO, by the check that is named. */
export const regressions: readonly PlantedFault[] = [
  {
    name: 'close 1011 on connect',
    check: 'ws.close-audit',
    fault: () => ({
      opened({ client, index }) {
        if (index % 3 === 0) client.close(1011)
      },
    }),
  },
  {
    name: 'a tool_completed is missing',
    check: 'run.order',
    fault: () => ({ fromServer: items((one, { type }) => (type === 'tool_completed' ? [] : [one])) }),
  },
  {
    name: 'events in another order',
    check: 'run.order',
    fault: () => ({
      fromServer: items((one, { type }, { index }, { state }) => {
        // What is thought is held back until after what is done.
        const key = `held ${index}`
        if (type === 'agent_thinking') {
          state.set(key, one)
          return []
        }
        const held = state.get(key) as object | undefined
        if (held === undefined) return [one]
        state.delete(key)
        return [one, held]
      }),
    }),
  },
  {
    name: 'an event twice after coming back',
    check: 'resume.cut',
    fault: () => ({
      fromServer: items((one, _item, socket, context) =>
        resumesAfter(socket) !== null && once(context, `doubled ${socket.index}`) ? [one, one] : [one],
      ),
    }),
  },
  {
    name: "another user's event",
    check: 'iso.delivery',
    fault: () => ({
      fromServer: items((one, { type }, { index }, { sockets }) => {
        if (type === 'tool_completed')
          for (const other of sockets)
            if (other.index === index + 1 || other.index === index - 1) other.toClient(one)
        return [one]
      }),
    }),
  },
  {
    name: 'one event lost after coming back',
    check: 'resume.cut',
    fault: () => ({
      fromServer: items((one, _item, socket, context) =>
        resumesAfter(socket) !== null && once(context, `lost ${socket.index}`) ? [] : [one],
      ),
    }),
  },
  {
    name: 'a wrong key is good enough',
    check: 'auth.negative',
    fault: () => {
      const mend = (headers: Record<string, string>, context: FaultContext): void => {
        remember(context, headers)
        const good = context.state.get('good')
        // Whatever has the length of a token is taken for one.
        if (typeof good === 'string' && headers['authorization']?.length === good.length)
          headers['authorization'] = good
      }
      return {
        request({ headers }, context) {
          mend(headers, context)
          return undefined
        },
        upgrade(headers, context) {
          mend(headers, context)
          return undefined
        },
      }
    },
  },
  {
    name: 'the simulation endpoint lets anybody in',
    check: 'auth.simkey',
    fault: () => ({
      answer(answer, { path, method }) {
        if (path !== '/auth/e2e/session' || method !== 'POST' || answer.status === 201) return
        answer.status = 201
        answer.body = JSON.stringify({ token: 'made-for-whoever-asked', kind: 'simulated' })
      },
    }),
  },
  {
    name: 'a field was renamed',
    check: 'contract.conform',
    fault: () => ({
      fromServer: (frame) => [
        JSON.parse(JSON.stringify(frame).replaceAll('"durationMs":', '"elapsedMs":')) as object,
      ],
    }),
  },
  {
    name: 'an event is shown and not stored',
    check: 'run.agree',
    fault: () => ({
      answer(answer, { path }) {
        if (isEventsPage(path))
          json(answer, (body) => ({
            ...body,
            items: (body['items'] as Item[] | undefined)?.filter(({ type }) => type !== 'agent_thinking'),
          }))
      },
    }),
  },
  { name: 'SIGTERM without drain', check: 'drain.rolling', setting: 'restart-kills', fault: () => ({}) },
  {
    name: 'the first event takes three times as long',
    check: 'perf.compare',
    setting: 'against',
    fault: () => ({
      async fromServer(frame) {
        if (itemsOf(frame).some(({ type }) => type === 'run_queued')) await wait(60)
        return [frame]
      },
    }),
  },
]

/** One more for each check that the twelve leave out. */
const others: readonly PlantedFault[] = [
  {
    name: 'two builds answer',
    check: 'id.build',
    fault: () => ({
      answer(answer, { path }, { state }) {
        if (path !== '/version') return
        const turn = Number(state.get('turn') ?? 0)
        state.set('turn', turn + 1)
        if (turn % 2 === 1) json(answer, (body) => ({ ...body, commit: 'b'.repeat(40) }))
      },
    }),
  },
  {
    name: 'ready with a dead database',
    check: 'health.endpoints',
    fault: () => ({
      answer(answer, { path }) {
        if (path === '/health/ready') answer.body = 'OK'
      },
    }),
  },
  {
    name: 'a certificate that ends in three days',
    check: 'tls.cert',
    setting: 'certificate',
    fault: () => ({}),
  },
  {
    name: 'one handshake in four is a 502',
    check: 'ws.connect',
    fault: () => ({
      upgrade(_headers, { state }) {
        const turn = Number(state.get('turn') ?? 0)
        state.set('turn', turn + 1)
        return turn % 4 === 3 ? 502 : undefined
      },
    }),
  },
  {
    name: 'everything takes a second more',
    check: 'ws.latency',
    fault: () => ({
      async fromServer(frame) {
        if (itemsOf(frame).some(({ type }) => type === 'run_queued')) await wait(1_100)
        return [frame]
      },
    }),
  },
  {
    name: 'no pings',
    check: 'ws.keepalive',
    fault: () => ({ fromServer: (frame) => (frame['type'] === 'ping' ? [] : [frame]) }),
  },
  {
    name: 'idle connections are half open',
    check: 'idle.proxy',
    fault: () => ({
      fromServer(frame, { index }, { state }) {
        const key = `born ${index}`
        const born = Number(state.get(key) ?? performance.now())
        state.set(key, born)
        // It looks alive: only what it is there for does not come any more.
        return performance.now() - born > 700 && frame['type'] === 'ev' ? [] : [frame]
      },
    }),
  },
  {
    name: 'failed runs say that they completed',
    check: 'run.failure',
    fault: () => ({
      fromServer: items((one, item) =>
        item.type === 'agent_failed'
          ? [
              {
                ...one,
                items: [
                  {
                    ...item,
                    type: 'agent_completed',
                    data: {
                      outcome: 'answered',
                      messageId: `msg_${'0'.repeat(26)}`,
                      summary: '',
                      durationMs: 1,
                      usage: { inputTokens: 0, outputTokens: 0, steps: 1 },
                    },
                  },
                ],
              },
            ]
          : [one],
      ),
    }),
  },
  {
    name: 'keys of requests are not looked at',
    check: 'run.idempotent',
    fault: () => ({
      request({ headers }) {
        delete headers['idempotency-key']
        return undefined
      },
    }),
  },
  {
    name: 'a position of the future is taken for the beginning',
    check: 'resume.bad',
    fault: () => ({
      fromClient: (text) => [text.replaceAll(/"after":1000000/g, '"after":0')],
    }),
  },
  {
    name: 'two that come back share the stream',
    check: 'resume.twice',
    fault: () => ({
      fromServer: items((one, _item, socket, { sockets }) => {
        const twin = [...sockets].some(
          (other) =>
            other.index < socket.index && [...socket.subs.keys()].some((stream) => other.subs.has(stream)),
        )
        return twin && resumesAfter(socket) !== null ? [] : [one]
      }),
    }),
  },
  {
    name: "another user's thread can be read",
    check: 'iso.cross-read',
    fault: () => ({
      async request(request, context) {
        remember(context, request.headers, request.path)
        const [, id] = /(thr_[0-9A-Z]{26}|run_[0-9A-Z]{26})/.exec(request.path) ?? []
        const owner = context.state.get(`owner ${id}`)
        if (request.method === 'GET' && typeof owner === 'string') request.headers['authorization'] = owner
        return undefined
      },
    }),
  },
  {
    name: 'the other node knows nothing of the cursor',
    check: 'iso.spread',
    fault: () => ({
      fromServer: items((one, _item, socket) =>
        resumesAfter(socket) !== null && socket.index % 2 === 0 ? [] : [one],
      ),
    }),
  },
  {
    name: 'one that does not read holds up everybody',
    check: 'slow.consumer',
    fault: () => ({
      async fromServer(frame, _socket, { sockets }) {
        // One queue for all: as long as anybody's is full, nobody's is served.
        const until = performance.now() + 1_400
        while (
          performance.now() < until &&
          [...sockets].some(({ client }) => client.bufferedAmount > 32 * 1024)
        )
          await wait(20)
        return [frame]
      },
    }),
  },
  {
    name: 'pages of any origin may connect',
    check: 'auth.origin',
    fault: () => ({
      upgrade(headers) {
        delete headers['origin']
        return undefined
      },
    }),
  },
  {
    name: 'sessions never end',
    check: 'auth.expiry',
    patienceMs: 6_000,
    fault: () => ({ closed: (code, reason) => (code === 4001 ? null : [code, reason]) }),
  },
  {
    name: 'an error shows the token',
    check: 'auth.echo',
    fault: () => ({
      answer(answer, { headers }) {
        if (answer.status >= 400 || answer.status === 200)
          answer.headers['x-debug-authorization'] = headers['authorization'] ?? ''
      },
    }),
  },
  {
    name: 'a malformed frame ends everybody',
    check: 'frame.malformed',
    fault: () => ({
      broken(_socket, { sockets }) {
        for (const { client } of sockets) client.terminate()
      },
    }),
  },
  {
    name: 'frames of any size are read',
    check: 'frame.size',
    fault: () => ({
      maxPayload: 2 ** 31,
      fromClient: (text) => (text.length > 64 * 1024 ? [] : [text]),
    }),
  },
  {
    name: 'one bad message ends the session',
    check: 'msg.invalid',
    fault: () => ({
      fromClient(text, { client }) {
        try {
          JSON.parse(text)
        } catch {
          client.close(4500, '{"r":"bad_frames"}')
        }
        return [text]
      },
    }),
  },
  {
    name: 'no limit of commands',
    check: 'limits.rate',
    fault: () => ({ fromClient: (text) => (text.includes('"unsub"') ? [] : [text]) }),
  },
  {
    name: 'the contract takes less than it took',
    check: 'contract.diff',
    fault: () => ({
      answer(answer, { path }) {
        if (path === '/v1/contract')
          json(answer, (body) => ({ ...body, limits: { ...Object(body['limits']), frameBytes: 1024 } }))
      },
    }),
  },
  {
    name: 'kill -9 loses the newest events',
    check: 'crash.durable',
    setting: 'kill-forgets',
    fault: () => ({}),
  },
  {
    name: 'the way back leads nowhere',
    check: 'rollback.rehearse',
    setting: 'rollback-does-nothing',
    fault: () => ({}),
  },
  { name: 'this machine stands still', check: 'tool.health', setting: 'stall', fault: () => ({}) },
  {
    name: 'nothing is deleted',
    check: 'clean.residue',
    fault: () => ({
      request: ({ method, path }) =>
        method === 'DELETE' && path.startsWith('/v1/threads/')
          ? { status: 204, headers: {}, body: '' }
          : undefined,
    }),
  },
]

export const faults: readonly PlantedFault[] = [...regressions, ...others]
