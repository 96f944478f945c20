import { systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { Hint } from '../../packages/server/src/bus/bus.ts'
import { createInProcessBus } from '../../packages/server/src/bus/in-process-bus.ts'
import { createMangledBus } from './mangled-bus.ts'
import { createRandom } from './random.ts'

test('hints are dropped, doubled and overtaken, about as often as asked, and everything else comes through', async () => {
  await using bus = createInProcessBus()
  const makeId = systemIdMaker()
  const random = createRandom(1)
  const mangled = createMangledBus(bus, { percent: 10, random: random.next })
  const sent = Array.from({ length: 3_000 }, () => makeId('run'))
  const heard: string[] = []
  const all = Promise.withResolvers<void>()
  mangled.subscribe((hint) => {
    if (hint.kind === 'cancel') heard.push(hint.runId)
    else all.resolve()
  })
  for (const runId of sent) mangled.publish({ kind: 'cancel', runId } satisfies Hint)
  bus.publish({ kind: 'queued' })
  await all.promise
  const times = new Map(sent.map((id) => [id as string, 0]))
  for (const id of heard) times.set(id, (times.get(id) ?? 0) + 1)
  const count = (wanted: number): number => [...times.values()].filter((seen) => seen === wanted).length
  for (const wanted of [0, 2]) {
    expect(count(wanted)).toBeGreaterThan(200)
    expect(count(wanted)).toBeLessThan(400)
  }
  expect(count(3)).toBe(0)
  const place = new Map(sent.map((id, index) => [id as string, index]))
  const backwards = heard.filter(
    (id, index) => (place.get(id) ?? 0) < (place.get(heard[index - 1] ?? '') ?? 0),
  )
  expect(backwards.length).toBeGreaterThan(200)
})
