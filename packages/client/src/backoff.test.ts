import { type CloseCode, closeCodes } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterLoss, backoffLimits, backoffMs } from './backoff.ts'

const half = (): number => 0.5
const after = (code: number, attempt = 0, reason = '') => afterLoss({ code, reason, attempt }, half)

describe('backoff', () => {
  test('is full jitter under a doubling ceiling, never below the hint', () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.nat(60_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (n, floorMs, x) => {
          const ms = backoffMs(n, floorMs, () => x)
          expect(ms).toBeGreaterThanOrEqual(floorMs)
          expect(ms).toBeLessThanOrEqual(floorMs + Math.min(backoffLimits.ceilingMs, 500 * 2 ** n))
        },
      ),
    )
    expect(backoffMs(0, 0, half)).toBe(250)
    expect(backoffMs(3, 0, half)).toBe(2_000)
    expect(backoffMs(30, 0, half)).toBe(10_000)
  })
})

describe('after a close', () => {
  test('every code of the contract has an answer: 4500 and up, 1000 and an expired token stop', () => {
    const stopping = Object.keys(closeCodes)
      .map(Number)
      .filter((code) => after(code).kind === 'stop')
    expect(stopping).toEqual([1000, 4001, 4500, 4501, 4503, 4505, 4506, 4526] satisfies CloseCode[])
  })

  test('unknown codes follow their range', () => {
    expect([after(4499).kind, after(4999).kind]).toEqual(['retry', 'stop'])
  })

  test('a protocol fault is tried once more', () => {
    expect(after(1007)).toMatchObject({ kind: 'retry', attempt: 1 })
    expect(after(1007, 1)).toEqual({ kind: 'stop' })
  })

  test('a drain spreads the return over its hint and does not grow the series', () => {
    expect(after(1012, 3, '{"r":"drain","ms":1000}')).toEqual({ kind: 'retry', delayMs: 500, attempt: 3 })
    expect(after(4040, 3)).toEqual({ kind: 'retry', delayMs: 1_000, attempt: 3 })
  })

  test('an overloaded server’s hint is a floor', () => {
    expect(after(1013, 0, '{"r":"overloaded","ms":7000}')).toEqual({
      kind: 'retry',
      delayMs: 7_250,
      attempt: 1,
    })
  })

  test.each(['', 'nonsense', '{"ms":"soon"}', '{"ms":-1}', 'null'])(
    'a reason like %j holds no hint',
    (reason) => {
      expect(after(1013, 0, reason)).toMatchObject({ delayMs: 250 })
    },
  )
})
