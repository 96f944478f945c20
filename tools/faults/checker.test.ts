import { type NewEvent, position, type StoredEvent, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  createChecker,
  type Excuse,
  quantile,
  staleMs,
  type TruthThread,
  type ViolationClass,
  violationClasses,
} from './checker.ts'
import { digestOf, type JournalLine, parseLine, type Seen } from './journal.ts'

const makeId = systemIdMaker()
const commitMs = 1_000_000
const [ann, bob] = [makeId('user'), makeId('user')]

function thread(owner: typeof ann, thoughts: number): TruthThread {
  const id = makeId('thread')
  const runId = makeId('run')
  const message = { id: makeId('message'), text: 'go', files: [] }
  const told: NewEvent[] = [
    { type: 'run_queued', data: { message, policy: 'queue' } },
    { type: 'agent_started', data: { attempt: 1, model: 'numbers', offline: true } },
    ...Array.from({ length: thoughts }, (_, step) => ({
      type: 'agent_thinking' as const,
      data: { step: step + 1, text: crypto.randomUUID() },
    })),
    { type: 'agent_cancelled', data: { by: 'user' } },
  ]
  const events = told.map(
    (event, index): StoredEvent => ({
      id: makeId('event'),
      seq: position(index + 1),
      threadId: id,
      runId,
      agent: 'numbers',
      at: new Date(commitMs + index).toISOString(),
      ...event,
    }),
  )
  return { id, owner, events }
}

const truth = thread(ann, 3)
const other = thread(bob, 3)
const head = truth.events.length
const seen = (seq: number, from = truth): Seen => {
  const event = from.events[seq - 1]
  if (event === undefined) throw new Error(`The thread has no ${seq}`)
  return [seq, digestOf(event)]
}
const all = truth.events.map(({ seq }) => seen(seq))

/** Client 1 is Ann's and follows her thread. */
function judge(
  lines: readonly JournalLine[],
  log: readonly TruthThread[] = [truth, other],
  excuses: readonly Excuse[] = [],
) {
  const checker = createChecker(log, [{ client: 1, user: ann, thread: truth.id }], excuses)
  for (const line of lines) checker.record(line)
  return checker.verdict()
}
const opened = (connection = 1, atMs = commitMs): JournalLine => ['opened', atMs, 1, connection]
const live = (connection = 1, atMs = commitMs): JournalLine => ['live', atMs, 1, connection, truth.id]
const lost = (connection = 1, atMs = commitMs): JournalLine => ['lost', atMs, 1, connection, 1006]
const subscribed = (after: number, connection = 1): JournalLine => [
  'subscribed',
  commitMs,
  1,
  connection,
  truth.id,
  head,
  after,
]
const frame = (
  events: readonly Seen[],
  connection = 1,
  atMs = commitMs,
  id: ThreadId = truth.id,
): JournalLine => ['frame', atMs, 1, connection, id, events]
const apply = (events: readonly Seen[]): JournalLine[] =>
  events.map((event) => ['applied', commitMs, 1, truth.id, event])
const clean = Object.fromEntries(violationClasses.map((name) => [name, 0]))
const only = (name: ViolationClass, times: number) => ({ ...clean, [name]: times })

describe('the checker', () => {
  test('nothing is wrong where each event came once, in order, over two connections', () => {
    const verdict = judge([
      opened(),
      frame(all.slice(0, 2)),
      ...apply(all.slice(0, 2)),
      live(),
      lost(1, commitMs + 10),
      opened(2),
      subscribed(2, 2),
      frame(all.slice(2), 2),
      live(2, commitMs + 250),
      ...apply(all.slice(2)),
    ])
    expect(verdict.counts).toEqual(clean)
    expect(verdict).toMatchObject({ committed: 12, delivered: 6, applied: 6, connections: 2 })
    expect(verdict.backToLiveMs).toEqual([240])
  })

  test('a way back in whose midst there was no server is one over an outage; nothing else is excused by it', () => {
    const refused = { client: 1, fromMs: commitMs + 100, untilMs: commitMs + 100, deed: 'refused' } as const
    const lines = [
      opened(),
      frame(all.slice(0, 2)),
      ...apply(all.slice(0, 2)),
      live(),
      lost(1, commitMs + 10),
      opened(2, commitMs + 4_000),
      subscribed(2, 2),
      frame(all.slice(2), 2, commitMs + 4_100),
      live(2, commitMs + 4_200),
      ...apply(all.slice(2)),
    ]
    const verdict = judge(lines, undefined, [refused])
    expect([verdict.backToLiveMs, verdict.backFromOutageMs]).toEqual([[], [4_190]])
    expect(judge(lines)).toMatchObject({ backToLiveMs: [4_190], backFromOutageMs: [] })
    const late = [opened(), live(), frame(all, 1, commitMs + 6_000), ...apply(all)]
    expect(judge(late, undefined, [refused]).counts['stale']).toBe(judge(late).counts['stale'])
    expect(judge(late).counts['stale']).toBeGreaterThan(0)
  })

  test('lost: live, and without an event of the log', () => {
    const short = all.slice(0, -1)
    expect(judge([opened(), frame(short), live(), ...apply(short)]).counts).toEqual(only('lost', 1))
  })

  test('unrecovered: not live at the end, or given up', () => {
    expect(judge([opened(), frame(all), ...apply(all), live(), lost()]).counts).toEqual(
      only('unrecovered', 1),
    )
    expect(judge([opened(), ['failed', commitMs, 1, 'epoch_changed']]).counts).toEqual(only('unrecovered', 1))
  })

  test('duplicate on the wire, though the client dropped it', () => {
    const twice = judge([
      opened(),
      frame(all),
      live(),
      lost(),
      opened(2),
      frame([seen(head)], 2),
      live(2),
      ...apply(all),
    ])
    expect(twice.counts).toEqual(only('duplicate on the wire', 1))
  })

  test('duplicate applied', () => {
    expect(judge([opened(), frame(all), live(), ...apply([...all, seen(2)])]).counts).toEqual(
      only('duplicate applied', 1),
    )
  })

  test('out of order, on the wire and applied', () => {
    const swapped = [seen(1), seen(3), seen(2), ...all.slice(3)]
    // 3 does not follow 1, 2 not 3; 4 follows 3.
    expect(judge([opened(), frame(swapped), live(), ...apply(all)]).counts).toEqual(only('out of order', 2))
    expect(judge([opened(), frame(all), live(), ...apply(swapped)]).counts).toEqual(only('out of order', 2))
  })

  test('misdelivered: the event of a look-alike thread, and another user’s stream', () => {
    const foreign = seen(2, other)
    expect(
      judge([opened(), frame([...all.slice(0, 1), foreign]), live(), ...apply(all)]).counts,
    ).toMatchObject({
      misdelivered: 1,
    })
    expect(
      judge([opened(), frame(all), live(), ...apply(all), frame([foreign], 1, commitMs, other.id)]).counts,
    ).toEqual(only('misdelivered', 1))
  })

  test('phantom: an event that the log does not hold, though its place is right', () => {
    const counts = judge([
      opened(),
      frame(all),
      live(),
      ...apply(all),
      frame([[head + 1, 'never-written']]),
    ]).counts
    expect(counts).toEqual(only('phantom', 1))
  })

  test('stale: late on a live connection, unless we held it up', () => {
    const late = [opened(), live(1, commitMs - 1), frame(all, 1, commitMs + head + staleMs), ...apply(all)]
    expect(judge(late).counts.stale).toBeGreaterThan(0)
    const checker = createChecker(
      [truth],
      [{ client: 1, user: ann, thread: truth.id }],
      [{ client: 1, fromMs: commitMs, untilMs: commitMs + 10, deed: 'network' }],
    )
    for (const line of late) checker.record(line)
    expect(checker.verdict().counts).toEqual(clean)
  })

  test('impolite close: a server that was asked to stop says 1012 to whoever is live, unless more befell them', () => {
    const stopped = (code: number | null, atMs = commitMs + 5) =>
      [opened(), frame(all), live(), ...apply(all), ['lost', atMs, 1, 1, code]] satisfies JournalLine[]
    const judged = (lines: readonly JournalLine[], ...deeds: readonly Excuse['deed'][]) => {
      const excuses = deeds.map((deed) => ({ client: 1, fromMs: commitMs, untilMs: commitMs + 10, deed }))
      const checker = createChecker([truth], [{ client: 1, user: ann, thread: truth.id }], excuses)
      for (const line of lines) checker.record(line)
      const { counts, politeCloses } = checker.verdict()
      return { impolite: counts['impolite close'], politeCloses }
    }
    expect(judged(stopped(1012), 'SIGTERM')).toEqual({ impolite: 0, politeCloses: 1 })
    expect(judged(stopped(1006), 'SIGTERM')).toEqual({ impolite: 1, politeCloses: 0 })
    expect(judged(stopped(1001), 'SIGTERM')).toEqual({ impolite: 1, politeCloses: 0 })
    expect(judged(stopped(null), 'SIGTERM')).toEqual({ impolite: 0, politeCloses: 0 })
    expect(judged(stopped(1006), 'SIGTERM', 'network')).toEqual({ impolite: 0, politeCloses: 0 })
    expect(judged(stopped(1006), 'SIGKILL')).toEqual({ impolite: 0, politeCloses: 0 })
    expect(judged(stopped(1006, commitMs - 5), 'SIGTERM')).toEqual({ impolite: 0, politeCloses: 0 })
  })

  test('stale: called live while behind the head', () => {
    const early = [
      opened(),
      subscribed(0),
      frame(all.slice(0, 2)),
      live(),
      frame(all.slice(2)),
      ...apply(all),
    ]
    expect(judge(early).counts).toEqual(only('stale', 1))
  })

  test('out of order: an answer that does not begin where it was asked to', () => {
    const skipped = [opened(), subscribed(3), frame(all.slice(4)), live(), ...apply(all)]
    expect(judge(skipped).counts).toEqual(only('out of order', 1))
  })

  test('what one of several readers asks for again is no duplicate on the wire', () => {
    const again = [
      opened(),
      subscribed(0),
      frame(all),
      live(),
      subscribed(2),
      frame(all.slice(2)),
      ...apply(all),
    ]
    expect(judge(again).counts).toEqual(only('duplicate on the wire', head - 2))
    const checker = createChecker([truth], [{ client: 1, user: ann, thread: truth.id, asksAgain: true }])
    for (const line of again) checker.record(line)
    expect(checker.verdict().counts).toEqual(clean)
  })

  test('broken log: a gap, a second terminal event, an unfinished run', () => {
    const gap = { ...truth, events: truth.events.filter(({ seq }) => seq !== 3) }
    expect(judge([], [gap]).counts['broken log']).toBeGreaterThan(0)
    const end = truth.events.at(-1) as StoredEvent
    const twice = {
      ...truth,
      events: [...truth.events, { ...end, id: makeId('event'), seq: position(head + 1) }],
    }
    expect(judge([], [twice]).counts['broken log']).toBe(1)
    expect(judge([], [{ ...truth, events: truth.events.slice(0, -1) }]).counts['broken log']).toBe(1)
  })

  test('a client started again from its stored cursor may get again what it had not stored', () => {
    const before = all.slice(0, 3)
    const verdict = judge([
      ['life', commitMs, 1],
      opened(),
      frame(all.slice(0, 5)),
      ...apply(before),
      ['life', commitMs, 1],
      opened(2),
      frame(all.slice(3), 2),
      live(2),
      ...apply(all.slice(3)),
    ])
    expect(verdict.counts).toEqual(clean)
  })

  test('a line torn by a kill says nothing', () => {
    expect(parseLine('["applied",12,1,"thr_')).toBeNull()
  })

  test('quantiles by nearest rank', () => {
    expect([quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.99), quantile([], 0.5)]).toEqual([
      2,
      4,
      null,
    ])
  })
})
