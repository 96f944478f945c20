import { describe, expect, it } from 'vitest'
import { formatFigure } from './format-figure.ts'

describe('figures in prose', () => {
  it.each([
    [24.120929, 'USD', '$24.12'],
    [15_313.071, 'USD', '$15,313.07'],
    [0, 'USD', '$0.00'],
    [0.0053532, 'USD', '$0.005353'],
    [0.5, 'USD', '$0.50'],
    [-2.5, 'USD', '−$2.50'],
    [9619, 'ms', '9,619 ms'],
    [9618.7, 'ms', '9,619 ms'],
    [1.234, 'ms', '1.23 ms'],
    [585, 'requests/min', '585 requests/min'],
    [1_257_868, 'tokens/min', '1,257,868 tokens/min'],
    [4457, 'rows', '4,457 rows'],
    [1, 'rows', '1 row'],
    [0, 'rows', '0 rows'],
    [12.3456, 'tokens', '12.35 tokens'],
    [0.6466232892079874, 'share', '64.7 %'],
    [0.0588, 'share', '5.88 %'],
    [3.65, '%', '3.65 %'],
    [13.2471, '', '13.25'],
    [1234567.891, '', '1,234,568'],
    [0.000012345, '', '0.00001235'],
    ['2023-11-16T18:31:00Z', 'UTC', '16 Nov 2023 18:31 UTC'],
    ['2023-11-16 18:31:05', '', '16 Nov 2023 18:31:05 UTC'],
    ['2026-10-08', '', '8 Oct 2026'],
    ['2026-10', '', 'Oct 2026'],
    ['claude-sonnet-4-5', '', 'claude-sonnet-4-5'],
    ['9007199254740993', 'tokens', '9,007,199,254,740,993 tokens'],
    [null, 'ms', 'no value'],
  ])('%s %s is %s', (value, unit, text) => {
    expect(formatFigure({ value, unit })).toBe(text)
  })
})
