import { describe, expect, test } from 'vitest'
import { clopperPearson, newcombe, wilson } from './proportions.ts'
import { median, quantile } from './quantile.ts'
import {
  hodgesLehmann,
  holm,
  shiftBetween,
  signedRankCounts,
  signedRankP,
  walshAverages,
} from './signed-rank.ts'

/** Hollander & Wolfe (1973), p. 29 f.: depression scale before and after; the example of R's wilcox.test. */
const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
const differences = before.map((value, index) => value - (after[index] ?? 0))

describe('signed ranks', () => {
  test('V = 40 of nine pairs has p = 0.01953 (R, wilcox.test(x, y, paired = TRUE, alternative = "greater"))', () => {
    expect(signedRankP(differences, 0)).toBeCloseTo(0.01953, 5)
  })

  test('the estimate is 0.46, the 96.1 % interval 0.010 to 0.786 (Hollander & Wolfe, p. 35 and 38)', () => {
    const { estimate, lower, upper } = hodgesLehmann(differences)
    expect(estimate).toBeCloseTo(0.46, 3)
    expect(lower).toBeCloseTo(0.01, 3)
    expect(upper).toBeCloseTo(0.786, 3)
  })

  test('the distribution of n = 4 (tables: 1 1 1 2 2 2 2 2 1 1 1 of 16)', () => {
    expect(signedRankCounts(4)).toEqual([1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1])
  })

  test('five pairs say nothing at 95 %: the interval is everything', () => {
    expect(hodgesLehmann([1, 2, 3, 4, 5])).toMatchObject({ lower: Number.NEGATIVE_INFINITY })
    expect(walshAverages([1, 3])).toEqual([1, 2, 3])
  })

  test('two samples: the shift is found where it was put', () => {
    const first = Array.from({ length: 30 }, (_, index) => index)
    const { estimate, lower, upper } = shiftBetween(
      first.map((value) => value + 100),
      first,
    )
    expect(estimate).toBe(100)
    expect(lower).toBeLessThan(100)
    expect(upper).toBeGreaterThan(100)
  })
})

describe('shares', () => {
  // R, example of binom.test: 682 of 925, 0.7076683 to 0.7654066.
  test("Clopper and Pearson: Mendel's peas", () => {
    const { lower, upper } = clopperPearson(682, 925)
    expect(lower).toBeCloseTo(0.7076683, 6)
    expect(upper).toBeCloseTo(0.7654066, 6)
  })

  // 1 − 0.05^(1/n), the exact form of the rule of three.
  test.each([60, 300, 1000, 3000])('none of %d', (n) => {
    expect(clopperPearson(0, n).upper).toBeCloseTo(1 - 0.05 ** (1 / n), 9)
    expect(clopperPearson(0, n).lower).toBe(0)
  })

  // Newcombe (1998), Statistics in Medicine 17: 873–890, table II, method 10.
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
  ])('Newcombe: %d/%d − %d/%d', (a, m, b, n, lower, upper) => {
    const found = newcombe({ count: a, total: m }, { count: b, total: n })
    expect(found.lower).toBeCloseTo(lower, 4)
    expect(found.upper).toBeCloseTo(upper, 4)
  })

  // Newcombe (1998), Statistics in Medicine 17: 857–872, table I, method 3: 81 of 263.
  test('Wilson: 81 of 263', () => {
    expect(wilson(81, 263).lower).toBeCloseTo(0.2553, 4)
    expect(wilson(81, 263).upper).toBeCloseTo(0.3662, 4)
  })
})

test('Holm, as R: p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm")', () => {
  const adjusted = holm([0.04, 0.01, 0.03, 0.02])
  for (const [index, value] of [0.06, 0.04, 0.06, 0.06].entries())
    expect(adjusted[index]).toBeCloseTo(value, 12)
})

test('quantiles, as R: quantile(1:10, c(0.5, 0.95)) is 5.5 and 9.55', () => {
  const ten = Array.from({ length: 10 }, (_, index) => index + 1)
  expect(median(ten)).toBe(5.5)
  expect(quantile(ten, 0.95)).toBeCloseTo(9.55, 12)
  expect(quantile([], 0.5)).toBe(0)
})
