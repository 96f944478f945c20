import { isTerminal, type Lab, type Person, type Submitted, threadStream, together } from '../lab/lab.ts'
import type { JsonFrame, ProofSocket } from '../wire/socket.ts'

/** Events of a scripted run of two calls, the end included: a cut after each of them, and one before. */
export const cutPoints = [0, 1, 2, 3, 4, 5, 6, 9] as const
const script = { do: 'wait', calls: 2, waitMs: 30 } as const

/** TCP is torn down after event k of a run, while it goes on; the client comes back at once with its cursor. */
export async function resumeStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  for (const k of cutPoints) await cutAfter(lab, person, k)
  await badCursors(lab, person)
  await twice(lab, person)
}

interface Counted {
  /** After the event of that number, or the run's last where it has fewer; null: neither came in time. */
  reached(count: number, run: string): Promise<{ readonly events: number; readonly cursor: number } | null>
}

/** The events of a run on a socket, as they come. */
function count(lab: Lab, socket: ProofSocket): Counted {
  const positions: number[] = []
  let changed = Promise.withResolvers<void>()
  socket.watch((frame) => {
    positions.push(...positionsOf(frame))
    changed.resolve()
    changed = Promise.withResolvers<void>()
  })
  return {
    async reached(wanted, run) {
      const until = performance.now() + lab.plan.patienceMs
      while (positions.length < wanted && !socket.frames.some((frame) => isTerminal(frame, run))) {
        const left = until - performance.now()
        if (left <= 0 || !socket.isOpen) return null
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, left)
        await Promise.race([changed.promise, promise])
        clearTimeout(timer)
      }
      const events = Math.min(wanted, positions.length)
      // More of the same batch may have come: a client that was cut there had not taken them in yet.
      return { events, cursor: positions[events - 1] ?? 0 }
    },
  }
}

const positionsOf = (frame: JsonFrame): readonly number[] =>
  frame['type'] === 'ev' && Array.isArray(frame['items'])
    ? frame['items'].flatMap((item: unknown) => {
        const seq: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'seq') : null
        return typeof seq === 'number' ? [seq] : []
      })
    : []

async function cutAfter(lab: Lab, person: Person, k: number): Promise<void> {
  const thread = await lab.newThread(person)
  if (thread === null) return
  const stream = threadStream(thread)
  const first = await lab.session(person, [{ stream, after: 0 }], `cut ${k}`)
  if (first === null) return
  const counted = count(lab, first)
  const submitted = await lab.submit(person, thread, lab.scripted ? script : { do: 'echo' })
  if (submitted === null) return void (await first.close())
  const point = await counted.reached(k, submitted.run)
  first.cut()
  // There was no such moment, so nobody was cut off at it.
  if (point === null) return
  const cut = String(point.events)
  const about = { user: person.name, thread, cut, run: submitted.run }
  lab.recorder.fact('reader', { conn: first.conn, after: 0, role: 'first_half', whole: false, ...about })
  await resumed(lab, person, submitted, point.cursor, cut)
  await lab.readLog(person, thread)
}

/** Comes back at a cursor and reads until the run has ended and the server says that it is live. */
async function resumed(
  lab: Lab,
  person: Person,
  { thread, run }: Submitted,
  after: number,
  cut: string,
): Promise<void> {
  const stream = threadStream(thread)
  const socket = await lab.session(person, [{ stream, after }], `resume ${cut}`)
  if (socket === null) return
  const over = await lab.ended(person, run)
  const head = await headOf(lab, person, thread)
  const all = await socket.wait(
    (frame) => positionsOf(frame).includes(head) || head <= after,
    lab.plan.patienceMs / 4,
  )
  const live = head <= after ? await socket.wait(({ type }) => type === 'live', lab.plan.patienceMs / 4) : all
  lab.recorder.fact('reader', {
    conn: socket.conn,
    user: person.name,
    thread,
    after,
    role: 'resumed',
    whole: over && live !== null,
    cut,
    run,
  })
  await socket.close()
}

async function headOf(lab: Lab, person: Person, thread: string): Promise<number> {
  const head = (await lab.http(person, { path: `/v1/threads/${thread}`, about: 'head' })).json()?.['head']
  return typeof head === 'number' ? head : 0
}

/** Cursors that no client of ours would have. */
async function badCursors(lab: Lab, person: Person): Promise<void> {
  const thread = await lab.newThread(person)
  if (thread === null) return
  const stream = threadStream(thread)
  const note = (name: string, expected: string, seen: string, ok: boolean): void =>
    lab.recorder.fact('case', { check: 'resume.bad', name, expected, seen, ok, strict: true })
  const nobody = `thread/thr_${'0'.repeat(26)}`
  const otherEpoch = `epo_${'0'.repeat(26)}`
  for (const [name, frame, expected] of [
    ['a position that is not there yet', { stream, after: 1_000_000 }, 'epoch_changed'],
    ['another log', { stream, after: 0, epoch: otherEpoch }, 'epoch_changed'],
    ['a thread that does not exist', { stream: nobody, after: 0 }, 'not_found'],
    ['a negative position', { stream, after: -1 }, 'bad_request'],
    ['half a position', { stream, after: 0.5 }, 'bad_request'],
  ] as const) {
    const socket = await lab.session(person, [], `bad cursor: ${name}`)
    if (socket === null) continue
    socket.send({ type: 'sub', ...frame })
    const answer = await socket.wait(
      ({ type }) => type === 'sub_err' || type === 'error' || type === 'sub_ok' || type === 'ev',
      lab.plan.patienceMs,
    )
    const seen = answer === null ? 'nothing' : String(answer['code'] ?? answer['type'])
    note(name, expected, seen, seen === expected && !socket.frames.some(({ type }) => type === 'ev'))
    await socket.close()
  }
  const future = await lab.http(person, {
    path: `/v1/threads/${thread}/events?after=1000000`,
    about: 'cursor',
  })
  note('HTTP, a position that is not there yet', '409', String(future.status), future.status === 409)
  const negative = await lab.http(person, { path: `/v1/threads/${thread}/events?after=-1`, about: 'cursor' })
  note('HTTP, a negative position', '400', String(negative.status), negative.status === 400)
}

/** Two sockets come back with one cursor: each gets all of the rest. */
async function twice(lab: Lab, person: Person): Promise<void> {
  const thread = await lab.newThread(person)
  if (thread === null) return
  const submitted = await lab.submit(person, thread, { do: 'echo', calls: 2 })
  if (submitted === null || !(await lab.ended(person, submitted.run))) return
  await together([resumed(lab, person, submitted, 2, 'twice'), resumed(lab, person, submitted, 2, 'twice')])
  await lab.readLog(person, thread)
}
