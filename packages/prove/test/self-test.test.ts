import { describe, expect, test } from 'vitest'
import { selfTest } from '../src/self-test/self-test.ts'
import { proveBundled } from './bundled.test-support.ts'

const minutes = 60_000

describe('the prover can fail', () => {
  test('every fault is caught by the check that is named, and a healthy server twenty times by none', {
    timeout: 15 * minutes,
  }, async () => {
    const matrix = await selfTest({ healthy: 20 })
    expect(matrix.rows.filter(({ caught }) => !caught)).toEqual([])
    expect(matrix.untested).toEqual([])
    expect(matrix.healthy).toEqual({ runs: 20, alarms: [] })
    expect(matrix.hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('a build compared with itself twenty times is never worse', { timeout: 10 * minutes }, async () => {
    const worse: unknown[] = []
    for (let index = 0; index < 20; index += 1) {
      const { proof } = await proveBundled({ only: ['identity', 'sign-in'], against: 'itself' })
      expect(proof.comparison).toHaveLength(3)
      worse.push(...proof.comparison.filter((one) => one.verdict === 'worse' || one.tail.worse))
    }
    expect(worse).toEqual([])
  })
})
