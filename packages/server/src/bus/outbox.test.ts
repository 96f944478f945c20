import { position, systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { Hint } from './bus.ts'
import { unpackHints } from './hint-text.ts'
import { createOutbox, outboxLimits } from './outbox.ts'

const makeId = systemIdMaker()
const threadId = makeId('thread')
const thread = (head: number, id = threadId): Hint => ({ kind: 'thread', threadId: id, head: position(head) })
const queued: Hint = { kind: 'queued' }

/** An outbox, and the sendings it made; each waits until it is let go. */
function trial() {
  const lost: object[] = []
  const sendings: { readonly hints: readonly Hint[]; end(error?: Error): void }[] = []
  const outbox = createOutbox({
    payloadBytes: 1_000,
    logger: { debug: (fields) => void lost.push(fields) },
  })
  const send = (payloads: readonly string[]): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    sendings.push({
      hints: payloads.flatMap(unpackHints),
      end: (error) => (error === undefined ? resolve() : reject(error)),
    })
    return promise
  }
  const sent = (count: number) => expect.poll(() => sendings.length, { interval: 1 }).toBe(count)
  return { outbox, send, sent, sendings, lost }
}

test('what is published in one turn goes together, each thread with its newest head', async () => {
  const { outbox, send, sent, sendings } = trial()
  outbox.route(send)
  const other = makeId('thread')
  for (const hint of [thread(1), thread(3), queued, thread(2), thread(1, other), queued]) outbox.add(hint)
  await sent(1)
  expect(sendings[0]?.hints).toEqual([thread(3), queued, thread(1, other)])
})

test('while one sending is under way hints gather, and are the next', async () => {
  const { outbox, send, sent, sendings } = trial()
  outbox.route(send)
  outbox.add(thread(1))
  await sent(1)
  for (let head = 2; head <= 50; head += 1) outbox.add(thread(head))
  sendings[0]?.end()
  await sent(2)
  expect(sendings[1]?.hints).toEqual([thread(50)])
})

test('[B1] without a way to the others hints wait, and beyond a bound they are lost', async () => {
  const { outbox, send, sent, sendings } = trial()
  const ids = Array.from({ length: outboxLimits.waitingHints + 1 }, () => makeId('thread'))
  for (const id of ids) outbox.add(thread(1, id))
  // One that waits may still grow.
  outbox.add(thread(2, ids[0]))
  outbox.route(send)
  await sent(1)
  expect(sendings[0]?.hints).toHaveLength(outboxLimits.waitingHints)
  expect(sendings[0]?.hints[0]).toEqual(thread(2, ids[0]))
  expect(sendings[0]?.hints).not.toContainEqual(thread(1, ids.at(-1)))
})

test('[B1] a sending that fails loses its hints and stops nothing', async () => {
  const { outbox, send, sent, sendings, lost } = trial()
  outbox.route(send)
  outbox.add(thread(1))
  await sent(1)
  outbox.add(thread(2))
  sendings[0]?.end(new Error('the connection was lost'))
  await sent(2)
  expect(sendings[1]?.hints).toEqual([thread(2)])
  expect(lost).toMatchObject([{ hints: 1 }])
})

test('the way may be lost and found while hints wait', async () => {
  const { outbox, send, sent, sendings } = trial()
  outbox.route(send)
  outbox.add(thread(1))
  await sent(1)
  outbox.route(null)
  outbox.add(thread(2))
  sendings[0]?.end()
  outbox.route(send)
  await sent(2)
  expect(sendings[1]?.hints).toEqual([thread(2)])
})

test('the end sends what waits, takes no more, and does not wait for ever', async () => {
  const { outbox, send, sendings } = trial()
  outbox.route(send)
  outbox.add(thread(1))
  const closed = outbox.close()
  outbox.add(thread(2))
  await closed
  expect(sendings.map(({ hints }) => hints)).toEqual([[thread(1)]])
})
