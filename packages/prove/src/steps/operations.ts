import { isTerminal, type Lab, type Person, pause, threadStream } from '../lab/lab.ts'
import type { ProofSocket } from '../wire/socket.ts'

interface UnderWay {
  readonly person: Person
  readonly thread: string
  readonly run: string
  readonly socket: ProofSocket
  last: number
}

/** Runs that are going on while a hook does something to the server. */
async function begin(lab: Lab, about: string): Promise<readonly UnderWay[]> {
  const runs: UnderWay[] = []
  for (const person of lab.people.slice(0, 4)) {
    const thread = await lab.newThread(person)
    if (thread === null) continue
    const socket = await lab.session(person, [{ stream: threadStream(thread), after: 0 }], about)
    if (socket === null) continue
    const one: UnderWay = { person, thread, run: '', socket, last: 0 }
    socket.watch((frame) => {
      if (frame['type'] !== 'ev' || !Array.isArray(frame['items'])) return
      for (const item of frame['items'] as { seq?: unknown }[])
        if (typeof item.seq === 'number') one.last = Math.max(one.last, item.seq)
    })
    const submitted = await lab.submit(person, thread, { do: 'wait', calls: 8, waitMs: hookRunMs / 8 })
    if (submitted === null) continue
    const executing = await socket.wait(
      (frame) => frame['type'] === 'ev' && JSON.stringify(frame['items']).includes('tool_executing'),
      lab.plan.patienceMs,
    )
    if (executing !== null) runs.push(Object.assign(one, { run: submitted.run }))
  }
  return runs
}

/** How long the runs of a hook's moment take by themselves. */
const hookRunMs = 1_600

async function ready(lab: Lab, patienceMs: number): Promise<boolean> {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    const answer = await lab.http(null, { path: '/health/ready', fresh: true, about: 'ready again' })
    if (answer.status === 200) return true
    await pause(100)
  }
  return false
}

/** After the hook everybody comes back with their cursor; every run has to end, and nothing may be lost. */
async function comeBack(lab: Lab, runs: readonly UnderWay[], cut: string): Promise<number> {
  let whole = 0
  for (const { person, thread, run, socket, last } of runs) {
    await socket.closed(0)
    if (socket.isOpen) await socket.close()
    lab.recorder.fact('reader', {
      conn: socket.conn,
      user: person.name,
      thread,
      after: 0,
      role: 'first_half',
      whole: false,
      cut,
      run,
    })
    const again = await lab.session(person, [{ stream: threadStream(thread), after: last }], `back ${cut}`)
    if (again === null) continue
    const over = await lab.ended(person, run, lab.plan.patienceMs * 2)
    await again.wait((frame) => isTerminal(frame, run), lab.plan.patienceMs)
    lab.recorder.fact('reader', {
      conn: again.conn,
      user: person.name,
      thread,
      after: last,
      role: 'resumed',
      whole: over,
      cut,
      run,
    })
    if (over) whole += 1
    await lab.readLog(person, thread)
    await again.close()
  }
  return whole
}

async function callHook(lab: Lab, name: 'restart' | 'kill' | 'rollback'): Promise<number | null> {
  const hook = lab.hooks[name]
  if (hook === undefined) return null
  const began = performance.now()
  const exit = await hook()
  lab.recorder.fact('hook', { hook: name, exit, ms: performance.now() - began })
  return exit
}

/** The server is told to stop while runs stream: sockets leave with 1012 or 1001, and every run ends all the same. */
export async function drainStep(lab: Lab): Promise<void> {
  if (lab.hooks.restart === undefined || !lab.scripted) return
  const runs = await begin(lab, 'drain')
  const exit = await callHook(lab, 'restart')
  const up = await ready(lab, lab.plan.patienceMs * 3)
  for (const { socket } of runs) {
    const closed = await socket.closed(lab.plan.patienceMs)
    const code = closed?.code
    lab.recorder.fact('case', {
      check: 'drain.rolling',
      name: 'a socket when the server was told to stop',
      expected: 'close 1012 or 1001',
      seen: `close ${code ?? 'none'}`,
      ok: code === 1012 || code === 1001,
      strict: true,
    })
  }
  const whole = up ? await comeBack(lab, runs, 'drain') : 0
  lab.recorder.fact('case', {
    check: 'drain.rolling',
    name: 'the runs that were going on',
    expected: `${runs.length} end, the hook with 0`,
    seen: `${whole} ended, the hook with ${exit}`,
    ok: runs.length > 0 && whole === runs.length && exit === 0,
    strict: true,
  })
}

/** kill -9 in the middle: what was acknowledged is there, and the run comes to an end. */
export async function crashStep(lab: Lab): Promise<void> {
  if (lab.hooks.kill === undefined || !lab.scripted) return
  const runs = await begin(lab, 'crash')
  const exit = await callHook(lab, 'kill')
  const up = await ready(lab, lab.plan.patienceMs * 3)
  const whole = up ? await comeBack(lab, runs, 'crash') : 0
  for (const { thread, last } of runs)
    lab.recorder.fact('case', {
      check: 'crash.durable',
      name: 'what was shown before the kill',
      expected: 'in the log afterwards',
      seen: `positions 1 to ${last} of ${thread}`,
      // Judged by the reader facts and the log itself; this says that there was something to lose.
      ok: last > 0,
      strict: true,
    })
  lab.recorder.fact('case', {
    check: 'crash.durable',
    name: 'the runs that were going on',
    expected: `${runs.length} end, the hook with 0`,
    seen: `${whole} ended, the hook with ${exit}`,
    ok: runs.length > 0 && whole === runs.length && exit === 0,
    strict: true,
  })
}

/** The way back is taken once, and timed: the build is another one afterwards, and nothing is lost. */
export async function rollbackStep(lab: Lab): Promise<void> {
  if (lab.hooks.rollback === undefined) return
  const before = await buildOf(lab)
  const runs = lab.scripted ? await begin(lab, 'rollback') : []
  const began = performance.now()
  const exit = await callHook(lab, 'rollback')
  const up = await ready(lab, lab.plan.patienceMs * 3)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const after = await buildOf(lab)
  lab.recorder.fact('case', {
    check: 'rollback.rehearse',
    name: 'the build before and after',
    expected: 'another build, the hook with 0',
    seen: `${before} → ${after} in ${seconds} s, the hook with ${exit}`,
    ok: up && exit === 0 && after !== before && after !== 'none',
    strict: true,
  })
  const whole = up ? await comeBack(lab, runs, 'rollback') : 0
  if (runs.length > 0)
    lab.recorder.fact('case', {
      check: 'rollback.rehearse',
      name: 'the runs that were going on',
      expected: `${runs.length} end`,
      seen: `${whole} ended`,
      ok: whole === runs.length,
      strict: true,
    })
}

async function buildOf(lab: Lab): Promise<string> {
  const version = (await lab.http(null, { path: '/version', fresh: true, about: 'build' })).json()
  return version === null ? 'none' : `${String(version['commit'])} ${String(version['image'])}`
}
