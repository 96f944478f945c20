import { position, systemIdMaker } from '@holdfast/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Hint } from './bus.ts'
import { hintText, packHints, unpackHints } from './hint-text.ts'

const makeId = systemIdMaker()

const head = fc.maxSafeNat().map(position)
const hint: fc.Arbitrary<Hint> = fc.oneof(
  head.map((at): Hint => ({ kind: 'thread', threadId: makeId('thread'), head: at })),
  head.map((at): Hint => ({ kind: 'user', userId: makeId('user'), head: at })),
  fc.constant<Hint>({ kind: 'queued' }),
  fc.constant(null).map((): Hint => ({ kind: 'cancel', runId: makeId('run') })),
  fc.constant(null).map((): Hint => ({ kind: 'revoked', userId: makeId('user') })),
)

test('hints come out of their payloads as they went in, in payloads that are small enough', () => {
  fc.assert(
    fc.property(fc.array(hint, { maxLength: 100 }), fc.integer({ min: 100, max: 1_000 }), (hints, most) => {
      const payloads = packHints(hints, most)
      expect(payloads.flatMap(unpackHints)).toEqual(hints)
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(most)
      // No more payloads than needed: two neighbours together would be too large.
      for (const [index, payload] of payloads.entries())
        expect(payload.length + (payloads[index + 1]?.length ?? most)).toBeGreaterThanOrEqual(most - 60)
    }),
  )
})

test('[B1] what is not understood is a hint lost, and costs its neighbours nothing', () => {
  const known: Hint = { kind: 'cancel', runId: makeId('run') }
  const foreign = [
    'thread',
    'thread:',
    `thread:${makeId('thread')}`,
    `thread:${makeId('thread')}:`,
    `thread:${makeId('thread')}:-1`,
    `thread:${makeId('thread')}:1e3`,
    `thread:${makeId('thread')}:9999999999999999`,
    `thread:${makeId('run')}:1`,
    `user:${makeId('thread')}:1`,
    'cancel:run_1',
    'revoked:',
    'moon:full',
    '__proto__',
    '',
    ':::',
    '{"kind":"queued"}',
  ]
  for (const text of foreign) expect(unpackHints(`${text} ${hintText(known)}`)).toEqual([known])
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void unpackHints(text)))
})
