import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createRecorder, type Recorder } from '../history/recorder.ts'
import { createLab, type Lab, type Person, threadStream } from '../lab/lab.ts'
import type { JsonFrame } from '../wire/socket.ts'

const metrics = ['acknowledged', 'first event', 'whole run'] as const
type Times = Record<(typeof metrics)[number], number[]> & { failed: number }

/**
 * Old and new, turn by turn in paired blocks, which first by chance: what the machine, the network and the hour do, they
 * do to both. Only the times are kept; these runs are measured and not judged.
 */
export async function compareStep(lab: Lab, stableUrl: string): Promise<void> {
  const { plan, recorder } = lab
  const [person] = lab.people
  if (person === undefined) return
  const aside = (url: string): Lab => {
    const one = createLab({ ...lab, url, recorder: scratch(recorder) })
    one.scripted = lab.scripted
    return one
  }
  const sides = { candidate: aside(lab.url), stable: aside(stableUrl) }
  for (let pair = 1; pair <= plan.pairs; pair += 1) {
    const order =
      Math.random() < 0.5 ? (['candidate', 'stable'] as const) : (['stable', 'candidate'] as const)
    for (const side of order) {
      const delay = monitorEventLoopDelay({ resolution: 10 })
      delay.enable()
      const times = await block(sides[side], person, plan.pairRuns)
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

const scratch = (of: Recorder): Recorder => ({ ...createRecorder(), nextId: of.nextId })

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
    for (const item of frame['items'] as { type?: unknown }[]) onEvent(String(item.type), now)
  })
  for (let index = 0; index < runs; index += 1) {
    const began = performance.now()
    let first = 0
    const ended = Promise.withResolvers<number | null>()
    onEvent = (type, at) => {
      if (first === 0) first = at
      if (/^agent_(completed|failed|cancelled)$/.test(type)) ended.resolve(at)
    }
    const timer = setTimeout(() => ended.resolve(null), lab.plan.patienceMs)
    const submitted = await lab.submit(person, thread, { do: 'echo' })
    const acknowledged = performance.now()
    const end = submitted === null ? null : await ended.promise
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
