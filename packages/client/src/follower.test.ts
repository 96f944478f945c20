import { position } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFollower, followerLimits } from './follower.ts'
import type { ReceivedItem } from './received-frame.ts'

const item = (seq: number): ReceivedItem => ({
  seq: position(seq),
  // Of the event only its place matters here.
  item: { seq } as unknown as NonNullable<ReceivedItem['item']>,
})
const items = (first: number, last: number): ReceivedItem[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => item(first + index))

function open(after: number | 'head' = 0) {
  const told = { taken: 0, room: 0, ended: 0 }
  const follower = createFollower({
    after: after === 'head' ? 'head' : position(after),
    epoch: null,
    signal: null,
    onTaken() {
      told.taken += 1
    },
    onRoom() {
      told.room += 1
    },
    onEnd() {
      told.ended += 1
    },
  })
  return { follower, told }
}

test('[F1] whatever arrives, in whatever pieces, what is read is the log without gap or repeat', async () => {
  const pieces = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 })), {
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(fc.nat(30), pieces, async (after, arriving) => {
      const { follower } = open(after)
      let applied = after
      for (const [first, length] of arriving) {
        const piece = items(first, first + length)
        const whole = follower.offer(piece, 1)
        expect(whole).toBe(first <= applied + 1)
        if (whole) applied = Math.max(applied, first + length)
      }
      expect(follower.applied).toBe(applied)
      follower.fail(new Error('enough'))
      const read: number[] = []
      await expect(
        (async () => {
          for await (const { seq } of follower.items) read.push(seq)
        })(),
      ).rejects.toThrow('enough')
      expect(read).toEqual(items(after + 1, applied).map(({ seq }) => seq))
    }),
  )
})

describe('[F2] what it holds is bounded', () => {
  test('in items: it pauses where it is, and has room again when it is no longer crowded', async () => {
    const { follower, told } = open()
    expect(follower.offer(items(1, 10_000), 1)).toBe(true)
    expect([follower.applied, follower.paused]).toEqual([followerLimits.waitingItems, true])
    follower.offer(items(4_097, 9_000), 1)
    expect(follower.applied).toBe(followerLimits.waitingItems)
    let read = 0
    for await (const batch of follower.batches) {
      read += batch.length
      if (!follower.paused) break
    }
    expect(told.room).toBe(1)
    expect(followerLimits.waitingItems - read).toBeLessThan(followerLimits.crowdedItems)
  })

  test('in text', () => {
    const { follower } = open()
    follower.offer(items(1, 256), 3 * 1024 * 1024)
    expect([follower.crowded, follower.paused]).toEqual([true, false])
    for (let first = 257; first < 5_000; first += 256)
      follower.offer(items(first, first + 255), 3 * 1024 * 1024)
    expect(follower.paused).toBe(true)
    expect(follower.applied).toBeLessThan(800)
  })
})

test('a reader at the head stands nowhere until the server has answered', async () => {
  const { follower } = open('head')
  expect(follower.offer(items(1, 3), 1)).toBe(true)
  expect(follower.applied).toBe('head')
  follower.subscribed('epo_1' as never, position(7))
  expect(follower.offer(items(1, 9), 1)).toBe(true)
  expect((await follower.items.next()).value?.seq).toBe(8)
})

test('two calls of next that wait at once both get one', async () => {
  const { follower } = open()
  const both = [follower.items.next(), follower.items.next()]
  follower.offer(items(1, 2), 1)
  const read = await Promise.all(both)
  expect(read.map(({ value }) => value.seq)).toEqual([1, 2])
})
