import { closeCodes } from '@holdfast/protocol'
import type { View } from '../history/view.ts'
import type { Plan } from '../plan/profiles.ts'
import { clopperPearson } from '../statistics/proportions.ts'
import { quantile } from '../statistics/quantile.ts'
import { notAnswered } from '../wire/socket.ts'
import { type Check, cases, plural, type Violation } from './finding.ts'
import { readingsOf } from './readings.ts'

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`

export const wsConnect: Check = {
  id: 'ws.connect',
  title: 'Cold connects are greeted',
  group: 'connection',
  invariant: false,
  steps: ['identity', 'sign-in', 'connect'],
  catches: '502s, and sockets that are accepted before what they need is there',
  minimum: ({ plan }) => plan.connects,
  judge({ view, plan }) {
    const opens = view.opens.filter(({ about }) => about === 'cold')
    const refused = view.refused.filter(({ about }) => about === 'cold')
    const ungreeted = opens.filter(({ conn }) => !view.receivedOn(conn).some(({ type }) => type === 'ready'))
    const total = opens.length + refused.length
    const times = opens.map((open) => open.ms)
    const p95 = quantile(times, 0.95)
    const bad = refused.length + ungreeted.length
    const upper = clopperPearson(bad, Math.max(total, 1)).upper
    const slow = opens.length > 0 && p95 > plan.connectTargetMs
    const retries = [...opens, ...refused].reduce((sum, line) => sum + line.retries, 0)
    return {
      situations: total,
      violations: [
        ...refused.map(({ status, error, t, conn }) => ({
          what: `refused: ${status ?? error ?? 'no answer'}`,
          t,
          conn,
        })),
        ...ungreeted.map(({ t, conn }) => ({ what: 'accepted and never greeted', t, conn })),
        ...(slow ? [{ what: `95 % within ${ms(p95)}, not ${ms(plan.connectTargetMs)}`, t: 0 }] : []),
      ],
      says: `${total - bad} of ${total} greeted, median ${ms(quantile(times, 0.5))}, 95 % within ${ms(p95)}; at most ${percent(upper)} fail (95 % confidence)`,
      measured: { connects: total, failed: bad, medianMs: quantile(times, 0.5), p95Ms: p95 },
      ...(retries > 0 ? { notes: [`${plural(retries, 'connect')} tried again before the first byte`] } : {}),
    }
  },
}

/** Times of the runs that were followed by a live connection, from when each was sent. */
export function runTimes(view: View, { stallMs }: Pick<Plan, 'stallMs'>, step: string) {
  // This machine stood still: what it measured then says nothing of the server.
  if (view.facts('block').some((block) => block.label === step && block.stallMs > stallMs))
    return { first: [], total: [], gap: [], discarded: true }
  const first: number[] = []
  const total: number[] = []
  const gap: number[] = []
  for (const run of view.facts('run')) {
    if (run.s !== step || run.conn === null || run.ends !== 'agent_completed') continue
    if (run.does !== 'echo' && run.does !== 'ask') continue
    const times = (view.deliveries.get(run.conn) ?? [])
      .filter(({ runId }) => runId === run.run)
      .map(({ t }) => t)
    const [begin] = times
    const end = times.at(-1)
    if (begin === undefined || end === undefined) continue
    first.push((begin - run.sentAt) / 1e6)
    total.push((end - run.sentAt) / 1e6)
    gap.push(Math.max(0, ...times.slice(1).map((t, index) => (t - (times[index] ?? t)) / 1e6)))
  }
  return { first, total, gap, discarded: false }
}

export const wsLatency: Check = {
  id: 'ws.latency',
  title: 'The first event comes soon',
  group: 'concurrency',
  invariant: false,
  steps: ['identity', 'sign-in', 'concurrent'],
  catches: 'cold starts and stalls',
  minimum: ({ plan, view }) =>
    Math.min(plan.users, new Set(view.facts('person').map(({ user }) => user)).size) * plan.runs,
  judge({ view, plan }) {
    const { first, total, gap, discarded } = runTimes(view, plan, 'concurrent')
    const p95 = quantile(first, 0.95)
    return {
      situations: first.length,
      violations:
        p95 > plan.firstEventTargetMs
          ? [{ what: `95 % of the first events within ${ms(p95)}, not ${ms(plan.firstEventTargetMs)}`, t: 0 }]
          : [],
      says: `first event: median ${ms(quantile(first, 0.5))}, 95 % within ${ms(p95)}; whole run: median ${ms(quantile(total, 0.5))}, 95 % within ${ms(quantile(total, 0.95))}; largest gap ${ms(Math.max(0, ...gap))}`,
      measured: {
        firstEventP50Ms: quantile(first, 0.5),
        firstEventP95Ms: p95,
        runP50Ms: quantile(total, 0.5),
        runP95Ms: quantile(total, 0.95),
        largestGapMs: Math.max(0, ...gap),
      },
      ...(discarded ? { notes: ['this machine stood still meanwhile; its times were discarded'] } : {}),
    }
  },
}

/** Of sockets whose server was stopped, killed or rolled back on purpose. */
const stopped = new Set(['drain', 'crash', 'rollback'])
const neverUnsolicited = new Set([1005, 1006, 1011, 1014])

export const wsCloseAudit: Check = {
  id: 'ws.close-audit',
  title: 'Every close of the proof, looked at',
  group: 'connection',
  invariant: true,
  steps: ['identity', 'sign-in', 'connect'],
  catches: 'close 1011, the fault of the system this replaces, and closes nobody documented',
  minimum: ({ plan }) => plan.connects,
  judge({ view }) {
    const opened = new Map(view.opens.map((open) => [open.conn, open]))
    const byServer = view.closes.filter(({ by }) => by === 'server')
    const bad = byServer.filter(
      ({ code, s }) =>
        (neverUnsolicited.has(code) && !(stopped.has(s) && code !== 1011)) || !(code in closeCodes),
    )
    const faults = view.refused.filter(
      ({ status, s }) => status !== null && status >= 500 && !(status === 503 && stopped.has(s)),
    )
    const tally = new Map<number, number>()
    for (const { code } of view.closes) tally.set(code, (tally.get(code) ?? 0) + 1)
    // It may be a proxy that answers for the server, or a machine that is slow: it is told, and decides nothing.
    const unanswered = view.closes.filter(({ by, reason }) => by === 'we' && reason === notAnswered).length
    return {
      situations: view.closes.length,
      violations: [
        ...bad.map(
          ({ code, t, conn, reason }): Violation => ({
            what: `closed by the server with ${code}${reason === '' ? '' : ` ${reason}`} (${opened.get(conn)?.about ?? 'a connection'})`,
            t,
            conn,
          }),
        ),
        ...faults.map(({ status, t, conn }) => ({ what: `handshake answered ${status}`, t, conn })),
      ],
      says: `${plural(view.closes.length, 'close')}, ${byServer.length} of them the server's: ${[...tally]
        .sort(([a], [b]) => a - b)
        .map(([code, count]) => `${code} × ${count}`)
        .join(', ')}`,
      measured: Object.fromEntries([...tally].map(([code, count]) => [`close${code}`, count])),
      ...(unanswered > 0 ? { notes: [`${plural(unanswered, 'close')} of ours without an answer`] } : {}),
    }
  },
}

export const wsKeepalive: Check = {
  id: 'ws.keepalive',
  title: 'Pings at the interval that was named',
  group: 'connection',
  invariant: false,
  steps: ['identity', 'sign-in', 'idle'],
  catches: 'idle connections that a proxy kills',
  minimum: () => 2,
  judge({ view }) {
    const found = cases(view, 'ws.keepalive')
    const violations: Violation[] = [...found.violations]
    // While this machine stood still, what came in time was read late.
    const stoodStillMs = Math.max(0, ...view.facts('block').map(({ stallMs }) => stallMs))
    let pings = 0
    for (const { conn, t } of view.opens.filter(({ about }) => about === 'idle')) {
      const frames = view.receivedOn(conn)
      const ready = frames.find(({ type }) => type === 'ready')
      const heartbeat = ready?.raw?.['heartbeatMs']
      if (typeof heartbeat !== 'number') continue
      const times = frames.filter(({ type }) => type === 'ping').map((frame) => frame.t)
      pings += times.length
      for (const [index, at] of times.entries()) {
        const intervalMs = (at - (times[index - 1] ?? ready?.t ?? at)) / 1e6
        if (intervalMs > 1.2 * heartbeat + latenessMs + stoodStillMs)
          violations.push({
            what: `a ping after ${ms(intervalMs)}, with ${ms(heartbeat)} ± 20 % promised`,
            t: at,
            conn,
          })
      }
      const end = view.closes.find((close) => close.conn === conn)?.t ?? t
      const openMs = (end - t) / 1e6
      if (times.length === 0 && openMs > 1.2 * heartbeat + latenessMs)
        violations.push({
          what: `no ping within ${ms(openMs)}, with one each ${ms(heartbeat)} promised`,
          t,
          conn,
        })
    }
    return {
      situations: pings + found.situations + (violations.length > 0 ? 1 : 0),
      violations,
      says: `${plural(pings, 'ping')} of the server; ${found.says}`,
    }
  },
}

/** What a busy machine, here or there, may be late. */
export const latenessMs = 2_000

export const idleProxy: Check = {
  id: 'idle.proxy',
  title: 'An idle connection lives, or is closed as documented',
  group: 'connection',
  invariant: false,
  steps: ['identity', 'sign-in', 'idle'],
  catches: 'connections that are half open and say nothing',
  minimum: () => 1,
  judge: ({ view }) => cases(view, 'idle.proxy'),
}

export const isoDelivery: Check = {
  id: 'iso.delivery',
  title: 'Everybody at once: each gets their own, all of it, once',
  group: 'concurrency',
  invariant: true,
  steps: ['identity', 'sign-in', 'concurrent'],
  catches: 'broadcast leaks, crossed users, races',
  minimum: ({ plan, view }) => Math.min(plan.users, Math.max(view.facts('person').length, 1)) * plan.runs,
  judge({ view }) {
    const readings = readingsOf(view, ({ s, role }) => s === 'concurrent' && role === 'live')
    const readingOn = new Map(readings.map((reading) => [reading.reader.conn, reading]))
    // A connection whose part broke off, because the proof was over, was not read to the end of its runs.
    const runs = view.facts('run').filter(({ s, conn }) => s === 'concurrent' && readingOn.has(conn ?? -1))
    const missing = runs.filter(
      (run) =>
        readingOn
          .get(run.conn ?? -1)
          ?.deliveries.some(({ runId, type }) => runId === run.run && type === run.ends) !== true,
    )
    const strays = straysOf(view)
    const users = new Set(view.facts('person').map(({ userId }) => userId)).size
    return {
      situations: runs.length,
      violations: [
        ...strays,
        ...readings.flatMap((reading) => [...lostOf(reading)]),
        ...missing.map(({ run, t }) => ({ what: `${run} did not come to its end on its connection`, t })),
      ],
      says: `${plural(runs.length, 'run')} of ${plural(readings.length, 'connection')} of ${plural(users, 'user')}; nonces looked for in ${view.received.length} frames`,
      measured: { runs: runs.length, connections: readings.length, users, strays: strays.length },
    }
  },
}

function* lostOf({
  reader,
  lost,
  repeated,
  disordered,
  odd,
}: ReturnType<typeof readingsOf>[number]): Generator<Violation> {
  const at = { t: reader.t, conn: reader.conn }
  if (lost.length > 0)
    yield { what: `${plural(lost.length, 'event')} lost on connection ${reader.conn}`, ...at }
  if (repeated.length > 0)
    yield { what: `${plural(repeated.length, 'event')} twice on connection ${reader.conn}`, ...at }
  if (disordered.length > 0)
    yield { what: `${plural(disordered.length, 'event')} out of order on connection ${reader.conn}`, ...at }
  if (odd > 0)
    yield { what: `${plural(odd, 'event')} without a position on connection ${reader.conn}`, ...at }
}

/** Something on a connection that is of a thread it did not ask for, whatever its ids say: nonces cannot be guessed. */
function straysOf(view: View): readonly Violation[] {
  const owner = new Map(view.facts('run').map(({ nonce, thread }) => [nonce, thread]))
  const asked = new Map<number, Set<string>>()
  for (const { conn, raw } of view.sent) {
    const streams = asked.get(conn) ?? new Set<string>()
    asked.set(conn, streams)
    const subs =
      raw?.['type'] === 'hello' && Array.isArray(raw['subs']) ? (raw['subs'] as { stream?: unknown }[]) : []
    for (const { stream } of [...subs, ...(raw?.['type'] === 'sub' ? [raw] : [])])
      if (typeof stream === 'string') streams.add(stream)
  }
  const found: Violation[] = []
  for (const { conn, t, line, type, raw } of view.received) {
    if (type !== 'ev') continue
    const streams = asked.get(conn) ?? new Set()
    if (!streams.has(String(raw?.['stream'])))
      found.push({
        what: `events of ${String(raw?.['stream'])}, which connection ${conn} does not follow`,
        t,
        conn,
      })
    for (const [nonce] of line.text.matchAll(/[0-9a-f]{32}/g)) {
      const thread = owner.get(nonce)
      if (thread !== undefined && !streams.has(`thread/${thread}`)) {
        found.push({
          what: `the nonce of a run of ${thread} on connection ${conn}, which does not follow it`,
          t,
          conn,
        })
        break
      }
    }
  }
  return found
}
