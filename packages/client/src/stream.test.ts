import { type ClientFrame, type EpochId, position, systemIdMaker, threadStream } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { StreamErrorCode } from './errors.ts'
import { createFollower, followerLimits } from './follower.ts'
import type { ReceivedItem } from './received-frame.ts'
import { createStream, streamLimits } from './stream.ts'

const makeId = systemIdMaker()
const name = threadStream(makeId('thread'))
const epoch: EpochId = makeId('epoch')

/** A stream whose frames and timers are in the test's hands. */
function open() {
  const frames: ClientFrame[] = []
  const timers = new Set<{ readonly task: () => void; readonly delayMs: number }>()
  const stream = createStream(name, {
    send: (frame) => void frames.push(frame),
    setTimer(task, delayMs) {
      const timer = { task, delayMs }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    snapshotUrl: 'http://fake/state',
  })
  return {
    stream,
    frames,
    /** What was sent since the last call. */
    sent: () =>
      frames
        .splice(0)
        .map((frame) =>
          `${frame.type} ${'after' in frame ? frame.after : 'seq' in frame ? frame.seq : ''}`.trim(),
        ),
    /** Lets the timers of this length fire. */
    fire(delayMs: number) {
      const due = [...timers].filter((timer) => timer.delayMs === delayMs)
      for (const timer of due) {
        timers.delete(timer)
        timer.task()
      }
      return due.length
    },
    follow(after: number | 'head' = 0, known: EpochId | null = null) {
      const follower = createFollower({
        after: after === 'head' ? 'head' : position(after),
        epoch: known,
        signal: null,
        onTaken: stream.taken,
        onRoom: stream.room,
        onEnd: () => stream.left(follower),
      })
      stream.followers.add(follower)
      stream.refresh()
      return follower
    },
    refuse: (code: StreamErrorCode, now: EpochId | null = epoch) =>
      stream.receive({ type: 'sub_err', stream: name, code }, now),
    ok: (head: number) =>
      stream.receive({ type: 'sub_ok', stream: name, floor: position(0), head: position(head) }, epoch),
    ev(first: number, last: number) {
      const items = Array.from({ length: last - first + 1 }, (_, index): ReceivedItem => {
        const seq = position(first + index)
        return { seq, item: { seq } as unknown as NonNullable<ReceivedItem['item']> }
      })
      stream.receive({ type: 'items', stream: name, items, chars: 1 }, epoch)
    },
  }
}

type Taking = { readonly items: AsyncIterableIterator<unknown> }
async function take(follower: Taking, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await follower.items.next()
}

describe('[S2] acknowledgement', () => {
  test('every 64 items, and what is left a second later', () => {
    const { follow, ok, ev, sent, fire } = open()
    follow()
    ok(200)
    ev(1, 63)
    expect(sent()).toEqual(['sub 0'])
    ev(64, 64)
    expect(sent()).toEqual(['ack 64'])
    ev(65, 70)
    ev(71, 80)
    expect(sent()).toEqual([])
    expect(fire(streamLimits.ackMs)).toBe(1)
    expect(sent()).toEqual(['ack 80'])
    expect(fire(streamLimits.ackMs)).toBe(0)
  })

  test('is kept back while the only reader is crowded, and comes when it has taken enough', async () => {
    const { follow, ok, ev, sent } = open()
    const reader = follow()
    ok(5_000)
    for (let first = 1; first <= 2_048; first += 64) ev(first, first + 63)
    const acks = sent().filter((text) => text.startsWith('ack'))
    expect(acks.at(-1)).toBe(`ack ${followerLimits.crowdedItems - 64}`)
    await take(reader, 1_024)
    expect(sent()).toEqual([])
    await take(reader, 1)
    expect(sent()).toEqual(['ack 2048'])
  })

  test('says nothing of a subscription that is not answered yet', () => {
    const { follow, ok, ev, sent } = open()
    follow()
    ok(500)
    follow(100)
    sent()
    ev(1, 200)
    expect(sent()).toEqual([])
    ok(500)
    ev(201, 264)
    // The second subscription began after the lowest place, which was 0 then.
    expect(sent()).toEqual(['ack 264'])
  })
})

describe('[S1] gaps', () => {
  test('are asked for from the lowest place, once', () => {
    const { follow, ok, ev, sent } = open()
    follow()
    ok(9)
    ev(1, 3)
    sent()
    ev(5, 5)
    ev(6, 6)
    expect(sent()).toEqual(['sub 3'])
    ok(9)
    ev(4, 9)
    expect(sent()).toEqual([])
  })

  test('[S4] seen before the newest subscription is answered are none', () => {
    const { follow, ok, ev, sent } = open()
    follow(5)
    ok(9)
    follow(0)
    sent()
    ev(6, 9)
    expect(sent()).toEqual([])
  })
})

describe('[S1] at the head', () => {
  test('two that asked one after the other stand where the first was told, and get what came in between', () => {
    const { follow, ok, ev, sent } = open()
    const readers = [follow('head'), follow('head')]
    sent()
    ok(5)
    expect(sent()).toEqual([])
    // Of the second question the server says only what comes after 6.
    ok(6)
    expect(sent()).toEqual(['sub 5'])
    ok(6)
    ev(6, 6)
    expect(readers.map(({ applied }) => applied)).toEqual([6, 6])
    expect(sent()).toEqual([])
  })
})

describe('[S5] [L6] who stands where no log is', () => {
  const told = (reader: Taking): Promise<unknown> =>
    reader.items.next().then(
      () => null,
      (error: unknown) => (error as { readonly code?: unknown }).code,
    )

  test('in another log, and came first: the one of this log is asked for anew', async () => {
    const { follow, ok, ev, refuse, stream, sent } = open()
    const old = follow(3, makeId('epoch'))
    const current = follow(50, epoch)
    stream.resume()
    sent()
    refuse('epoch_changed')
    expect(await told(old)).toBe('epoch_changed')
    expect(sent()).toEqual(['sub 50'])
    ok(60)
    ev(51, 60)
    expect(current.applied).toBe(60)
  })

  test('in another log, and came last: it is not given the events of this one', async () => {
    const { follow, ok, ev, stream, sent } = open()
    const current = follow(50, epoch)
    const old = follow(3, makeId('epoch'))
    stream.resume()
    sent()
    ok(60)
    ev(4, 60)
    expect(await told(old)).toBe('epoch_changed')
    expect([current.applied, old.applied]).toEqual([60, 3])
    expect(sent()).toEqual([])
  })

  test('before the epoch is known, as where the first thing a server says is no', async () => {
    const { follow, ok, refuse, stream, sent } = open()
    const old = follow(3, makeId('epoch'))
    const current = follow(50, epoch)
    stream.resume()
    sent()
    refuse('epoch_changed', null)
    expect(await told(old)).toBe('epoch_changed')
    expect(sent()).toEqual(['sub 50'])
    ok(50)
    expect(current.applied).toBe(50)
  })

  test('ahead of the log, beside one that is not', async () => {
    const { follow, ok, ev } = open()
    const current = follow(3)
    const ahead = follow(90)
    ok(10)
    ok(10)
    ev(4, 10)
    expect(await told(ahead)).toBe('epoch_changed')
    expect(current.applied).toBe(10)
  })

  test('ahead of the log, beside one that waits for the head', async () => {
    const { follow, ok, refuse, stream, sent } = open()
    const ahead = follow(90, epoch)
    const waiting = follow('head')
    stream.resume()
    sent()
    refuse('epoch_changed')
    expect(await told(ahead)).toBe('epoch_changed')
    expect(sent()).toEqual(['sub head'])
    ok(7)
    expect(waiting.applied).toBe(7)
  })

  test('is not told from an answer to an earlier question, which did not know of it', () => {
    const { follow, ok, ev } = open()
    follow(3)
    const later = follow(11, epoch)
    ok(10)
    ok(11)
    ev(4, 12)
    expect(later.applied).toBe(12)
  })

  test('nowhere at all is not asked about in a circle', async () => {
    const { follow, refuse, sent } = open()
    const waiting = follow('head')
    sent()
    refuse('epoch_changed')
    expect(await told(waiting)).toBe('epoch_changed')
    expect(sent()).toEqual([])
  })
})

describe('[S3] a slow reader', () => {
  test('that stands still is let go of after ten seconds, and asked for again at its cursor', async () => {
    const { follow, ok, ev, sent, fire } = open()
    const reader = follow()
    ok(5_000)
    ev(1, 1_100)
    expect(sent()).toEqual(['sub 0'])
    await take(reader, 1)
    expect(fire(streamLimits.stallMs)).toBe(1)
    expect(sent()).toEqual([])
    expect(fire(streamLimits.stallMs)).toBe(1)
    expect(sent()).toEqual(['unsub'])
    await take(reader, 76)
    expect(sent()).toEqual(['sub 1100'])
  })

  test('does not hold back another of the same thread, which is told nothing twice for long', async () => {
    const { follow, ok, ev, sent } = open()
    const slow = follow()
    const quick = follow()
    ok(9_000)
    ok(9_000)
    sent()
    for (let first = 1; first <= 8_192; first += 64) {
      ev(first, first + 63)
      await take(quick, 64)
    }
    expect(slow.paused).toBe(true)
    expect(sent().at(-1)).toBe('ack 8192')
    // Room again: it is asked for at its cursor, and let go of where it is full, for the other one's sake.
    await take(slow, 3_073)
    expect(sent()).toEqual(['sub 4096'])
    ok(9_000)
    for (let first = 4_097; first <= 7_169; first += 64) ev(first, first + 63)
    expect(slow.applied).toBe(7_169)
    expect(sent().at(-1)).toBe('sub 8192')
  })
})

test('a deleted thread is told to its readers, and the stream may be followed anew', async () => {
  const { follow, ok, stream, sent } = open()
  const reader = follow()
  ok(0)
  stream.receive({ type: 'sub_err', stream: name, code: 'not_found' }, epoch)
  await expect(reader.items.next()).rejects.toMatchObject({ code: 'not_found' })
  sent()
  follow()
  ok(1)
  expect(sent()).toEqual(['sub 0'])
})

test('doubt is told to whoever has a place', async () => {
  const { follow, ok, stream } = open()
  const reader = follow(3)
  ok(3)
  stream.doubt()
  await expect(reader.items.next()).rejects.toMatchObject({
    code: 'position_in_doubt',
    snapshotUrl: 'http://fake/state',
  })
})
