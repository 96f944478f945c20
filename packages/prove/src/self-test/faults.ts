import { setTimeout as sleep } from 'node:timers/promises'
import type { PlantedFault } from './planted-fault.ts'
import { regressions } from './regressions.ts'
import { items, itemsOf, json, remember, resumesAfter } from './tampering.ts'

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
        if (itemsOf(frame).some(({ type }) => type === 'run_queued')) await sleep(1_100)
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
          await sleep(20)
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
