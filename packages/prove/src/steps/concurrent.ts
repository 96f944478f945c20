import { isTerminal, type Lab, type Person, pause, threadStream, together } from '../lab/lab.ts'

/** Everybody at once, each with a connection and a thread of their own, and nonces that only they may see. */
export async function concurrentStep(lab: Lab): Promise<void> {
  await together(lab.people.slice(0, lab.plan.users).map((person) => seat(lab, person)))
}

async function seat(lab: Lab, person: Person): Promise<void> {
  const { plan, recorder } = lab
  const thread = await lab.newThread(person)
  if (thread === null) return
  const socket = await lab.session(person, [{ stream: threadStream(thread), after: 0 }], 'concurrent')
  if (socket === null) return
  for (let index = 0; index < plan.runs; index += 1) {
    const submitted = await lab.submit(person, thread, { do: 'echo' }, { conn: socket.conn })
    if (submitted === null) continue
    await socket.wait((frame) => isTerminal(frame, submitted.run), plan.patienceMs)
  }
  await pause(Math.min(plan.lingerMs, 1_000))
  recorder.fact('reader', {
    conn: socket.conn,
    user: person.name,
    thread,
    after: 0,
    role: 'live',
    whole: true,
    cut: null,
    run: null,
  })
  await lab.readLog(person, thread)
  await socket.close()
}
