import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, readCloseReason } from './backoff.ts'

const half = (): number => 0.5
const chance = fc.double({ min: 0, max: 0.999, noNaN: true })

test('backoff is full jitter under a doubling ceiling, never below the hint', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.nat(60_000), chance, (n, floorMs, x) => {
      const ms = backoffMs(n, floorMs, () => x)
      expect(ms).toBeGreaterThanOrEqual(floorMs)
      expect(ms).toBeLessThanOrEqual(floorMs + Math.min(20_000, 500 * 2 ** n))
    }),
  )
  expect(backoffMs(0, 0, half)).toBe(250)
  expect(backoffMs(3, 0, half)).toBe(2_000)
  expect(backoffMs(30, 0, half)).toBe(10_000)
  expect(backoffMs(30, 0, half, 300_000)).toBe(150_000)
})

test('a close reason is read where it is one', () => {
  expect(readCloseReason('{"r":"drain","ms":1000}')).toEqual({ r: 'drain', ms: 1000 })
})

test.each(['', 'nonsense', '{"r":"x","ms":"soon"}', '{"r":"x","ms":-1}', 'null', '[]'])(
  'a reason like %j holds no hint',
  (reason) => expect(readCloseReason(reason).ms).toBeUndefined(),
)
