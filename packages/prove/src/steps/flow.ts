import { isTerminal, type Lab, type Person, pause, randomHex, type Script, threadStream } from '../lab/lab.ts'
import type { ProofSocket } from '../wire/socket.ts'

/** Runs of every kind, followed live, read again by a second socket and over HTTP. */
export async function flowStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  const thread = await lab.newThread(person)
  if (thread === null) return
  const stream = threadStream(thread)
  // What happens to the user's threads is told as well: those frames are held against the contract, too.
  const streams = [
    { stream, after: 0 },
    { stream: 'user/me', after: 'head' },
  ] as const
  const socket = await lab.session(person, streams, 'live')
  if (socket === null) return
  const follow = async (script: Script, ends?: 'agent_failed'): Promise<void> => {
    const submitted = await lab.submit(person, thread, script, {
      conn: socket.conn,
      ...(ends === undefined ? {} : { ends }),
    })
    if (submitted === null) return
    await socket.wait((frame) => isTerminal(frame, submitted.run), lab.plan.patienceMs)
  }
  for (let index = 0; index < lab.plan.flowRuns; index += 1)
    await follow({ do: 'echo', calls: 1 + (index % 2) })
  if (lab.scripted) {
    await follow({ do: 'tool_error' })
    await follow({ do: 'tool_timeout' })
    await follow({ do: 'fail' }, 'agent_failed')
    await cancelled(lab, person, thread, socket)
    await idempotent(lab, person, thread, socket)
  }
  // Whatever comes after the last event of the last run comes too late.
  await pause(lab.plan.lingerMs)
  lab.recorder.fact('reader', {
    conn: socket.conn,
    user: person.name,
    thread,
    after: 0,
    role: 'live',
    whole: true,
    cut: null,
    run: null,
  })
  await secondReading(lab, person, thread)
  await lab.readLog(person, thread)
  lab.recorder.fact('case', {
    check: 'run.failure',
    name: 'the socket after all of them',
    expected: 'open',
    seen: socket.isOpen ? 'open' : 'closed',
    ok: socket.isOpen,
    strict: true,
  })
  await socket.close()
}

async function cancelled(lab: Lab, person: Person, thread: string, socket: ProofSocket): Promise<void> {
  const submitted = await lab.submit(
    person,
    thread,
    { do: 'wait', waitMs: 30_000 },
    { conn: socket.conn, ends: 'agent_cancelled' },
  )
  if (submitted === null) return
  const { run } = submitted
  const executing = await socket.wait(
    (frame) =>
      frame['type'] === 'ev' &&
      Array.isArray(frame['items']) &&
      frame['items'].some(
        (item: unknown) =>
          typeof item === 'object' &&
          item !== null &&
          Reflect.get(item, 'runId') === run &&
          Reflect.get(item, 'type') === 'tool_executing',
      ),
    lab.plan.patienceMs,
  )
  if (executing === null) return
  await lab.http(person, { method: 'POST', path: `/v1/runs/${run}/cancel`, body: {}, about: 'cancel' })
  await socket.wait((frame) => isTerminal(frame, run), lab.plan.patienceMs)
}

/** The same key twice at once, a third time, and with another request. */
async function idempotent(lab: Lab, person: Person, thread: string, socket: ProofSocket): Promise<void> {
  // Of this time only: a diagnosis comes here again.
  const key = `prove-${lab.id}-${randomHex(4)}`
  const body = { agent: 'proof', model: 'offline', message: `{"nonce":"${'0'.repeat(32)}","do":"echo"}` }
  const post = (message = body.message) =>
    lab.http(person, {
      method: 'POST',
      path: `/v1/threads/${thread}/runs`,
      headers: { 'idempotency-key': key },
      body: { ...body, message },
      about: 'idempotent',
    })
  const answers = await Promise.all([post(), post()])
  answers.push(await post())
  const runs = new Set(answers.map((answer) => String(answer.json()?.['id'] ?? answer.status)))
  lab.recorder.fact('case', {
    check: 'run.idempotent',
    name: 'one key, three requests, two of them at once',
    expected: '202 three times, one run',
    seen: `${answers.map(({ status }) => status).join(', ')}; ${runs.size} run${runs.size === 1 ? '' : 's'}`,
    ok: runs.size === 1 && answers.every(({ status }) => status === 202),
    strict: true,
  })
  const conflict = await post(`{"nonce":"${'1'.repeat(32)}","do":"echo"}`)
  lab.recorder.fact('case', {
    check: 'run.idempotent',
    name: 'the key with another request',
    expected: '409',
    seen: String(conflict.status),
    ok: conflict.status === 409,
    strict: true,
  })
  const [run] = runs
  if (run !== undefined) await socket.wait((frame) => isTerminal(frame, run), lab.plan.patienceMs)
}

/** Another socket reads the thread from its beginning, to where it says that it is live. */
async function secondReading(lab: Lab, person: Person, thread: string): Promise<void> {
  const stream = threadStream(thread)
  const second = await lab.session(person, [{ stream, after: 'start' }], 'second')
  if (second === null) return
  const live = await second.wait(
    ({ type, stream: of }) => type === 'live' && of === stream,
    lab.plan.patienceMs,
  )
  lab.recorder.fact('reader', {
    conn: second.conn,
    user: person.name,
    thread,
    after: 0,
    role: 'second',
    whole: live !== null,
    cut: null,
    run: null,
  })
  await second.close()
}
