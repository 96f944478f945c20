import { advanceRun, newRun, type RunOrder } from '@holdfast/protocol'
import type { Delivery, Fact, View } from '../history/view.ts'
import { cutPoints } from '../steps/resume.ts'
import { type Check, type Context, cases, plural, type Violation } from './finding.ts'
import { readingsOf, violationsOf } from './readings.ts'

/** The five that every run tells its story in. */
export const fiveEvents = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
] as const

function orderOf(run: Fact<'run'>, events: readonly Delivery[]): readonly Violation[] {
  const at = { t: run.t, conn: events[0]?.conn ?? -1 }
  const found: Violation[] = []
  let state: RunOrder = newRun
  for (const { event, type, seq } of events) {
    if (event === null) {
      found.push({ what: `${run.run}: ${type} at ${seq} is no event of the contract`, ...at })
      continue
    }
    const step = advanceRun(state, event)
    if (step.ok) state = step.next
    else found.push({ what: `${run.run}: ${step.violation}`, ...at })
  }
  const last = events.at(-1)?.type ?? 'nothing'
  if (last !== run.ends) found.push({ what: `${run.run} ends with ${last}, not ${run.ends}`, ...at })
  if (run.ends === 'agent_completed') {
    const types = events.map(({ type }) => type)
    const missing = fiveEvents.filter((type) => !types.includes(type))
    if (missing.length > 0) found.push({ what: `${run.run}: without ${missing.join(', ')}`, ...at })
    else if (
      fiveEvents.some(
        (type, index) => index > 0 && types.indexOf(type) < types.indexOf(fiveEvents[index - 1] ?? type),
      )
    )
      found.push({ what: `${run.run}: the five events first came as ${types.join(', ')}`, ...at })
  }
  return found
}

/** Runs followed live by a reader that waited for everything. */
function followed(view: View): readonly { run: Fact<'run'>; events: readonly Delivery[] }[] {
  const readers = new Map(
    readingsOf(view, ({ role, cut }) => role === 'live' && cut === null).map((one) => [one.reader.conn, one]),
  )
  return view.facts('run').flatMap((run) => {
    const reading = run.conn === null ? undefined : readers.get(run.conn)
    if (reading === undefined) return []
    return [{ run, events: reading.deliveries.filter(({ runId }) => runId === run.run) }]
  })
}

export const runOrder: Check = {
  id: 'run.order',
  title: 'Five events in order, one end, then silence',
  group: 'flow',
  invariant: true,
  steps: ['identity', 'sign-in', 'flow'],
  catches: 'lost, extra or late events',
  minimum: ({ plan }) => plan.flowRuns,
  judge({ view }) {
    const runs = followed(view)
    return {
      situations: runs.length,
      violations: runs.flatMap(({ run, events }) => orderOf(run, events)),
      says: `${plural(runs.length, 'run')}, ${runs.reduce((sum, { events }) => sum + events.length, 0)} events, each run by the one state machine`,
    }
  },
}

export const runAgree: Check = {
  id: 'run.agree',
  title: 'Live, read again and stored are the same',
  group: 'flow',
  invariant: true,
  steps: ['identity', 'sign-in', 'flow'],
  catches: 'events that are shown and not stored, or stored differently',
  minimum: ({ plan }) => plan.flowRuns * 5,
  judge({ view }) {
    let compared = 0
    const violations: Violation[] = []
    const threads = new Set<string>()
    for (const { reader, deliveries } of readingsOf(view, () => true)) {
      const log = view.stored(reader.thread)
      if (log.size === 0) continue
      threads.add(reader.thread)
      for (const { seq, raw, t, conn, type } of deliveries) {
        compared += 1
        const stored = log.get(seq)
        if (stored === undefined)
          violations.push({
            what: `${type} at ${seq} of ${reader.thread} was shown and is not stored`,
            t,
            conn,
          })
        else if (!same(stored, raw))
          violations.push({ what: `${type} at ${seq} of ${reader.thread} is stored differently`, t, conn })
      }
    }
    for (const thread of threads) {
      const log = view.stored(thread)
      for (let seq = 1; seq <= log.size; seq += 1)
        if (!log.has(seq)) {
          violations.push({ what: `the stored log of ${thread} has no position ${seq}`, t: 0 })
          break
        }
    }
    const second = readingsOf(view, ({ role, s }) => role === 'second' && s === 'flow')
    return {
      situations: second.length === 0 ? 0 : compared,
      violations: [...violations, ...second.flatMap(violationsOf)],
      says: `${compared} deliveries compared with ${plural(threads.size, 'stored log')}`,
    }
  },
}

/** Same content; the order of keys is no content. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)))
}

const problemRuns = new Set(['tool_error', 'tool_timeout', 'fail'])

export const runFailure: Check = {
  id: 'run.failure',
  title: 'Failures, time-outs and cancelling end as documented',
  group: 'flow',
  invariant: false,
  steps: ['identity', 'sign-in', 'flow'],
  catches: 'errors that become 1011, and stops that stop nothing',
  minimum: () => 4,
  judge({ view }) {
    const runs = followed(view).filter(
      ({ run }) => problemRuns.has(run.does) || run.ends === 'agent_cancelled',
    )
    const violations: Violation[] = [...cases(view, 'run.failure').violations]
    for (const { run, events } of runs) {
      const end = events.at(-1)
      if (end?.type !== run.ends)
        violations.push({
          what: `${run.does}: ended with ${end?.type ?? 'nothing'}, not ${run.ends}`,
          t: run.t,
        })
      const failed = events.some(({ event }) => event?.type === 'tool_completed' && !event.data.ok)
      if (run.does.startsWith('tool_') && !failed)
        violations.push({ what: `${run.does}: no tool_completed says ok: false`, t: run.t })
      const late = events.some(
        ({ event }) => event?.type === 'tool_completed' && event.data.error?.code === 'tool_timeout',
      )
      if (run.does === 'tool_timeout' && !late)
        violations.push({ what: 'tool_timeout: no tool_completed says tool_timeout', t: run.t })
    }
    return {
      situations: runs.length,
      violations,
      says: `${plural(runs.length, 'run')}: ${[...new Set(runs.map(({ run }) => (run.ends === 'agent_cancelled' ? 'cancelled' : run.does)))].join(', ')}`,
    }
  },
}

export const runIdempotent: Check = {
  id: 'run.idempotent',
  title: 'One key, one run',
  group: 'flow',
  invariant: true,
  steps: ['identity', 'sign-in', 'flow'],
  catches: 'work that is done twice',
  minimum: () => 2,
  judge: ({ view }) => cases(view, 'run.idempotent'),
}

const isCut = (cut: string | null): boolean => cut !== null && /^\d+$/.test(cut)

export const resumeCut: Check = {
  id: 'resume.cut',
  title: 'After a cut at any event: exactly the rest, once',
  group: 'flow',
  invariant: true,
  steps: ['identity', 'sign-in', 'resume'],
  catches: 'events lost or doubled where catching up meets what is live',
  minimum: () => cutPoints.length,
  judge({ view }) {
    const readings = readingsOf(view, ({ cut }) => isCut(cut))
    const resumed = readings.filter(({ reader }) => reader.role === 'resumed')
    const got = resumed.reduce((sum, { deliveries }) => sum + deliveries.length, 0)
    return {
      situations: resumed.length,
      violations: readings.flatMap(violationsOf),
      says: `cut after ${resumed.map(({ reader }) => reader.cut).join(', ')} events; ${got} events after coming back`,
    }
  },
}

export const resumeBad: Check = {
  id: 'resume.bad',
  title: 'Cursors of nobody are refused',
  group: 'flow',
  invariant: false,
  steps: ['identity', 'sign-in', 'resume'],
  catches: 'cursors that read what they should not',
  minimum: () => 7,
  judge: ({ view }) => cases(view, 'resume.bad'),
}

export const resumeTwice: Check = {
  id: 'resume.twice',
  title: 'Two that come back with one cursor each get all',
  group: 'flow',
  invariant: true,
  steps: ['identity', 'sign-in', 'resume'],
  catches: 'a stream that is shared out between sockets',
  minimum: () => 2,
  judge({ view }) {
    const readings = readingsOf(view, ({ cut }) => cut === 'twice')
    return {
      situations: readings.length,
      violations: readings.flatMap(violationsOf),
      says: readings.map(({ deliveries }) => `${deliveries.length} events`).join(' and '),
    }
  },
}

/** A check of a moment (a slow reader, a hook): its cases, and what its readers got. */
export const momentFinding = ({ view }: Context, check: string, cut: string) => {
  const found = cases(view, check)
  const readings = readingsOf(view, (reader) => reader.cut === cut)
  const log = readings.flatMap(({ reader }) => violationsAgainstLog(view, reader))
  return {
    ...found,
    violations: [...found.violations, ...readings.flatMap(violationsOf), ...log],
    says: `${found.says}; ${plural(readings.length, 'reading')} whole`,
  }
}

/** What was shown has to be in the log afterwards. */
function violationsAgainstLog(view: View, reader: Fact<'reader'>): readonly Violation[] {
  // The proof was over before anybody asked.
  if (!view.wasAsked(reader.thread)) return []
  const log = view.stored(reader.thread)
  const gone = (view.deliveries.get(reader.conn) ?? []).filter(
    ({ stream, seq, raw }) =>
      stream === `thread/${reader.thread}` &&
      Reflect.get(Object(log.get(seq)), 'id') !== Reflect.get(Object(raw), 'id'),
  )
  return gone.length === 0
    ? []
    : [
        {
          what: `${plural(gone.length, 'event')} shown on connection ${reader.conn} and not in the log`,
          t: reader.t,
        },
      ]
}
