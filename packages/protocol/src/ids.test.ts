import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ids from './ids.ts'
import { createIdMaker, type IdKind, position, runId, start, systemIdMaker, threadId } from './ids.ts'

const schemas = {
  user: ids.UserId,
  thread: ids.ThreadId,
  run: ids.RunId,
  event: ids.EventId,
  message: ids.MessageId,
  call: ids.CallId,
  file: ids.FileId,
  artifact: ids.ArtifactId,
  request: ids.RequestId,
  connection: ids.ConnectionId,
  node: ids.NodeId,
  epoch: ids.EpochId,
  session: ids.SessionId,
  token: ids.TokenId,
} satisfies Record<IdKind, unknown>
const kinds = Object.keys(schemas) as IdKind[]
const kind = fc.constantFrom(...kinds)

/** A maker whose clock gives the listed times, one a call, and whose random bytes are all `byte`. */
const makerAt = (times: readonly number[], byte: number) => {
  let call = 0
  return createIdMaker(
    () => times[call++] ?? times.at(-1) ?? 0,
    (bytes) => bytes.fill(byte),
  )
}
const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const byte = fc.integer({ min: 0, max: 255 })

test('what a maker makes, the parser of its kind and no other accepts', () => {
  fc.assert(
    fc.property(kind, kind, timeMs, byte, (made, read, now, random) => {
      const id = makerAt([now], random)(made)
      expect(schemas[read].safeParse(id).success).toBe(made === read)
    }),
  )
})

test('ids of one kind sort by the time they were made, and within a millisecond by order', () => {
  fc.assert(
    fc.property(fc.array(timeMs, { minLength: 2, maxLength: 50 }), byte, (times, random) => {
      const make = makerAt(times, random)
      const made = times.map(() => make('event'))
      expect([...made].sort()).toEqual(made)
      expect(new Set(made).size).toBe(made.length)
    }),
  )
})

test('a clock that steps back does not make ids step back', () => {
  const make = makerAt([2_000, 1_000, 1_000], 0)
  const [first, second, third] = [make('run'), make('run'), make('run')]
  expect(first < second && second < third).toBe(true)
})

test('counting up from the highest random part stays within 80 bits', () => {
  const make = makerAt([1], 255)
  const made = Array.from({ length: 1_000 }, () => make('event'))
  expect(made.every((id) => ids.EventId.safeParse(id).success)).toBe(true)
  expect([...made].sort()).toEqual(made)
})

test('the system maker does not repeat itself', () => {
  const make = systemIdMaker()
  const made = Array.from({ length: 10_000 }, () => make('run'))
  expect(new Set(made).size).toBe(made.length)
})

describe('refused', () => {
  const good = makerAt([1_700_000_000_000], 7)('thread')
  test.each([
    ['nothing', ''],
    ['no prefix', good.slice(4)],
    ['another kind', good.replace('thr_', 'run_')],
    ['upper case prefix', good.replace('thr_', 'THR_')],
    ['lower case body', good.toLowerCase()],
    ['one short', good.slice(0, -1)],
    ['one long', `${good}0`],
    ['beyond 128 bits', `thr_8${good.slice(5)}`],
    ['a letter Crockford leaves out', `${good.slice(0, -1)}U`],
    ['a line break after it', `${good}\n`],
    ['a space before it', ` ${good}`],
    ['a look-alike', good.replace('0', 'О')],
    ['a number', 7],
    ['null', null],
    ['a list that holds one', [good]],
  ])('%s', (_name, raw) => {
    expect(() => threadId(raw)).toThrow(/expected/)
  })

  test('a thread id where a run id belongs', () => {
    expect(() => runId(good)).toThrow(/expected run id: run_/)
  })
})

test('positions are whole and not negative', () => {
  expect(ids.Position.parse(0)).toBe(start)
  expect(ids.Position.parse(7)).toBe(position(7))
  for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null])
    expect(ids.Position.safeParse(bad).success).toBe(false)
})
