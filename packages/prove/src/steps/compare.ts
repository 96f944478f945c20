import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { NewLine, Recorder } from '../history/recorder.ts'
import { createLab, type Lab, type Person, threadStream } from '../lab/lab.ts'
import type { JsonFrame } from '../wire/socket.ts'
import { sessionOf, simulatedPerson } from './sign-in.ts'

const metrics = ['acknowledged', 'first event', 'whole run'] as const
type Times = Record<(typeof metrics)[number], number[]> & { failed: number }

/**
 * Old and new, turn by turn in paired blocks, which first by chance: what the machine, the network and the hour do, they
 * do to both. Of these runs the times are kept, and of the candidate's sockets how they opened and closed.
 */
export async function compareStep(lab: Lab, stableUrl: string): Promise<void> {
  const { plan, recorder } = lab
  const [person] = lab.people
  if (person === undefined) return
  const candidate = besides(lab, lab.url, socketsOnly(recorder))
  const stable = besides(lab, stableUrl, recorder.aside())
  const known = await personAt(stable, person)
  if (known === null) {
    recorder.fact('skipped', { step: 'compare', why: 'nobody of this proof can sign in at the stable build' })
    return
  }
  // Who was simulated there for this is taken away with the others.
  if (known !== person) lab.abroad.push(stable)
  const sides = { candidate: [candidate, person], stable: [stable, known] } as const
  for (let pair = 1; pair <= plan.pairs; pair += 1) {
    const order =
      Math.random() < 0.5 ? (['candidate', 'stable'] as const) : (['stable', 'candidate'] as const)
    for (const side of order) {
      const delay = monitorEventLoopDelay({ resolution: 10 })
      delay.enable()
      const times = await block(...sides[side], plan.pairRuns)
      delay.disable()
      for (const metric of metrics)
        recorder.fact('sample', {
          pair,
          side,
          metric,
          values: times[metric].map((value) => Math.round(value * 1000) / 1000),
          discarded: delay.max / 1e6 > plan.stallMs,
          failed: times.failed,
        })
    }
  }
}

function besides(lab: Lab, url: string, recorder: Recorder): Lab {
  const simulation =
    lab.simulation === null ? null : { ...lab.simulation, host: hostFor(lab.simulation.host, lab.url, url) }
  const one = createLab({ ...lab, url, recorder, simulation })
  one.scripted = lab.scripted
  return one
}

/** Each deployment signs for the host it is reached at, unless one was named that is neither's. */
const hostFor = (named: string, url: string, other: string): string =>
  named === new URL(url).host ? new URL(other).host : named

/** The same person where both have one store, else another by the same key; null: neither. */
async function personAt(stable: Lab, person: Person): Promise<Person | null> {
  if ((await sessionOf(stable, person.token)) !== null) return person
  const made = await simulatedPerson(stable, person.name, 0)
  if (made !== null) stable.people.push(made)
  return made
}

const ofSockets = new Set<NewLine['k']>(['open', 'refused', 'close'])

/** How sockets begin and end belongs to the history, with every other close of the proof; the rest is only measured. */
const socketsOnly = (recorder: Recorder): Recorder => ({
  ...recorder.aside(),
  get step() {
    return recorder.step
  },
  set step(step) {
    recorder.step = step
  },
  get isFull() {
    return recorder.isFull
  },
  add: (line) => {
    if (ofSockets.has(line.k)) recorder.add(line)
  },
  fact: () => {},
  nowNs: recorder.nowNs,
  nextId: recorder.nextId,
})

async function block(lab: Lab, person: Person, runs: number): Promise<Times> {
  const times: Times = { acknowledged: [], 'first event': [], 'whole run': [], failed: 0 }
  const thread = await lab.newThread(person)
  if (thread === null) return { ...times, failed: runs }
  const socket = await lab.session(person, [{ stream: threadStream(thread), after: 'head' }], 'compare')
  if (socket === null) return { ...times, failed: runs }
  let onEvent: (type: string, atMs: number) => void = () => {}
  socket.watch((frame: JsonFrame) => {
    const now = performance.now()
    if (frame['type'] !== 'ev' || !Array.isArray(frame['items'])) return
    for (const item of frame['items'] as { type?: unknown }[]) onEvent(String(item?.type), now)
  })
  for (let index = 0; index < runs; index += 1) {
    const { patienceMs } = lab.plan
    const began = performance.now()
    let first = 0
    const ended = Promise.withResolvers<number | null>()
    onEvent = (type, at) => {
      if (first === 0) first = at
      if (/^agent_(completed|failed|cancelled)$/.test(type)) ended.resolve(at)
    }
    const timer = setTimeout(() => ended.resolve(null), patienceMs)
    const submitted = await lab.submit(person, thread, { do: 'echo' })
    const acknowledged = performance.now()
    const end = submitted === null || !socket.isOpen ? null : await ended.promise
    clearTimeout(timer)
    if (end === null) {
      times.failed += 1
      continue
    }
    times.acknowledged.push(acknowledged - began)
    times['first event'].push(first - began)
    times['whole run'].push(end - began)
  }
  await socket.close()
  await lab.http(person, { method: 'DELETE', path: `/v1/threads/${thread}`, about: 'remove' })
  return times
}
