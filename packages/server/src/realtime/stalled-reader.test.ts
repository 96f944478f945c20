import { type ThreadId, threadStream } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { makeId, openTestServer } from '../http/test-server.test-support.ts'
import { type FrameReader, readFrames } from './frame-reader.test-support.ts'
import { realtimeLimits } from './limits.ts'

const readers = 200
const sharedEvents = 60
/** 40 MB: more than the kernel holds for a line that nobody reads. */
const largeEvents = 1_000
const largeText = 'x'.repeat(40_000)
const KiB = 1024

test('one that stalls among 200 costs the server a bounded buffer, the others nothing, and it resumes by its cursor', {
  timeout: 120_000,
}, async () => {
  await using server = await openTestServer({ limits: { connectionsPerUser: readers + 1 } })
  const open = async () => {
    const { id } = await server.threads.create(server.principal)
    const run = { id: makeId('run'), agent: 'test' }
    const append = (step: number, text: string): Promise<void> =>
      server.append(id, run, { type: 'agent_thinking', data: { step, text } })
    return { id, append }
  }
  const [shared, large] = [await open(), await open()]
  const follow = async (...threads: readonly ThreadId[]): Promise<FrameReader> => {
    const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
    const subs = threads.map((id) => ({ stream: threadStream(id), after: 'start' }))
    reader.send({ type: 'hello', instance: crypto.randomUUID(), subs })
    let live = 0
    while (live < threads.length) if ((await reader.any()).type === 'live') live += 1
    return reader
  }
  const others = await Promise.all(Array.from({ length: readers - 1 }, () => follow(shared.id)))
  const stalled = await follow(shared.id, large.id)
  /** From the append to the frame parsed, over all who follow. Printed, not judged: the machine is shared. */
  const p95Ms = async (first: number, last: number): Promise<number> => {
    const delaysMs: number[] = []
    for (let step = first; step <= last; step += 1) {
      const at = performance.now()
      await shared.append(step, 'x')
      const received = others.map(async (reader) => {
        const [event] = await reader.events(1)
        delaysMs.push(performance.now() - at)
        expect(event?.seq).toBe(step)
      })
      await Promise.all(received)
    }
    return delaysMs.sort((left, right) => left - right)[Math.floor(delaysMs.length * 0.95)] ?? 0
  }
  const p95WithoutMs = await p95Ms(1, sharedEvents)
  stalled.socket.pause()

  let mostBytes = 0
  for (let step = 1; step <= largeEvents; step += 1) {
    await large.append(step, largeText)
    for (const socket of server.sockets) mostBytes = Math.max(mostBytes, socket.writableLength)
  }
  const p95WithMs = await p95Ms(sharedEvents + 1, 2 * sharedEvents)
  process.stdout.write(
    `stalled reader among ${readers}: ${(largeEvents * largeText.length) / 1e6} MB wait for it, the server holds ` +
      `${Math.round(mostBytes / KiB)} KiB of them; the others’ p95 ${p95WithMs.toFixed(1)} ms, and ${p95WithoutMs.toFixed(1)} ms before it stalled\n`,
  )
  // The watermark, the frame that crossed it, and what is said besides.
  const { pauseAtBufferedBytes, pageBytes } = realtimeLimits
  expect(mostBytes).toBeLessThan(pauseAtBufferedBytes + pageBytes + 64 * KiB)

  stalled.socket.terminate()
  const again = await follow()
  again.send({ type: 'sub', stream: threadStream(large.id), after: 0 })
  const all = await again.events(largeEvents)
  expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: largeEvents }, (_, index) => index + 1))
})
