import { proofLimits } from '@holdfast/protocol'
import { isTerminal, type Lab, type Person, pause, threadStream } from '../lab/lab.ts'

/** A consumer that stops reading while much is sent to it; beside it, others are served as before. */
export async function slowStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  const neighbour = lab.people.at(-1)
  if (person === undefined || neighbour === undefined || !lab.scripted || lab.plan.floodBytes === 0) return
  const thread = await lab.newThread(person)
  const quiet = await lab.newThread(neighbour)
  if (thread === null || quiet === null) return
  const beside = await lab.session(neighbour, [{ stream: threadStream(quiet), after: 0 }], 'beside slow')
  if (beside === null) return
  const before = await besideMs(lab, neighbour, quiet, beside)

  const slow = await lab.session(person, [{ stream: threadStream(thread), after: 0 }], 'slow')
  if (slow === null) return void (await beside.close())
  slow.pause()
  const each = proofLimits.fillBytes * 20
  const flood: string[] = []
  for (let sent = 0; sent < lab.plan.floodBytes; sent += each) {
    const run = await lab.submit(person, thread, { do: 'echo', calls: 20, fillBytes: proofLimits.fillBytes })
    if (run !== null) flood.push(run.run)
  }
  // Floods that are refused press nobody: then there is no such case, and the check was not exercised.
  const flooded = flood.length * each
  if (flooded >= lab.plan.floodBytes)
    lab.recorder.fact('case', {
      check: 'slow.consumer',
      name: 'what was flooded',
      expected: `${lab.plan.floodBytes} bytes or more`,
      seen: `${flooded} bytes`,
      ok: true,
      strict: true,
    })
  const during = await besideMs(lab, neighbour, quiet, beside)
  for (const run of flood) await lab.ended(person, run)
  slow.resume()
  const last = flood.at(-1)
  if (last !== undefined && slow.isOpen)
    await slow.wait((frame) => isTerminal(frame, last), lab.plan.patienceMs)
  lab.recorder.fact('reader', {
    conn: slow.conn,
    user: person.name,
    thread,
    after: 0,
    // One that was cut off comes back, and the whole is asked of what it got then.
    role: slow.isOpen ? 'live' : 'first_half',
    whole: slow.isOpen,
    cut: 'slow',
    run: null,
  })
  if (!slow.isOpen) await comeBack(lab, person, thread)
  // Ten times as slow and more than half a second: a consumer that stands still must not be felt next door.
  const bound = Math.max(10 * before, before + 500)
  lab.recorder.fact('case', {
    check: 'slow.consumer',
    name: 'the neighbour meanwhile',
    expected: `a first event within ${Math.round(bound)} ms`,
    seen: during === null ? 'none' : `${Math.round(during)} ms (before: ${Math.round(before)} ms)`,
    ok: during !== null && during <= bound,
    strict: true,
  })
  await lab.readLog(person, thread)
  await lab.readLog(neighbour, quiet)
  lab.recorder.fact('reader', {
    conn: beside.conn,
    user: neighbour.name,
    thread: quiet,
    after: 0,
    role: 'live',
    whole: true,
    cut: null,
    run: null,
  })
  await slow.close()
  await beside.close()
}

/** The median of three runs beside, to their first event. Number.POSITIVE_INFINITY where none came. */
async function besideMs(
  lab: Lab,
  person: Person,
  thread: string,
  socket: Awaited<ReturnType<Lab['session']>> & object,
): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < 3; index += 1) {
    const began = performance.now()
    const submitted = await lab.submit(person, thread, { do: 'echo' }, { conn: socket.conn })
    if (submitted === null) return Number.MAX_SAFE_INTEGER
    const found = await socket.wait((frame) => isTerminal(frame, submitted.run), lab.plan.patienceMs)
    times.push(found === null ? Number.MAX_SAFE_INTEGER : performance.now() - began)
  }
  return times.sort((a, b) => a - b)[1] ?? Number.MAX_SAFE_INTEGER
}

async function comeBack(lab: Lab, person: Person, thread: string): Promise<void> {
  const stream = threadStream(thread)
  const again = await lab.session(person, [{ stream, after: 0 }], 'slow again')
  if (again === null) return
  const live = await again.wait(
    ({ type, stream: of }) => type === 'live' && of === stream,
    lab.plan.patienceMs,
  )
  lab.recorder.fact('reader', {
    conn: again.conn,
    user: person.name,
    thread,
    after: 0,
    role: 'second',
    whole: live !== null,
    cut: 'slow',
    run: null,
  })
  await again.close()
}

/** More commands than a connection may send; and afterwards a connection as good as any. */
export async function rateStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  if (person === undefined || lab.plan.burst === 0) return
  const socket = await lab.session(person, [], 'burst')
  if (socket === null) return
  for (let index = 0; index < lab.plan.burst; index += 1) socket.send({ type: 'unsub', stream: 'user/me' })
  const closed = await socket.closed(lab.plan.patienceMs)
  const note = (name: string, expected: string, seen: string, ok: boolean): void =>
    lab.recorder.fact('case', { check: 'limits.rate', name, expected, seen, ok, strict: true })
  note(
    `${lab.plan.burst} commands at once`,
    'close 4029',
    `close ${closed?.code ?? 'none'}`,
    closed?.code === 4029,
  )
  await socket.close()
  const after = await lab.session(person, [], 'after the burst')
  note('afterwards', 'ready', after === null ? 'refused' : 'ready', after !== null)
  await after?.close()
  await pause(0)
}
