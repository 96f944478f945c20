import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultContext } from './fault-proxy.ts'
import type { PlantedFault } from './planted-fault.ts'
import { type Item, isEventsPage, items, itemsOf, json, once, remember, resumesAfter } from './tampering.ts'

/** Each has to turn a proof of any server into a NO-GO, by the check that is named. */
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
        if (itemsOf(frame).some(({ type }) => type === 'run_queued')) await sleep(60)
        return [frame]
      },
    }),
  },
]

/** One more for each check that the twelve leave out. */
