import { describe, expect, it } from 'vitest'
import { resolveWindow, windowAt } from './windows.ts'
import { nearlySame, tokenise } from './words.ts'

const span = { min: '2026-09-01T02:00:07Z', max: '2026-10-31T22:10:00Z' }

function windowOf(text: string, over = span): unknown {
  const found = windowAt(tokenise(text), 0)
  if (found === null) return null
  const resolved = resolveWindow(found.said, over)
  return 'why' in resolved ? resolved.why : [resolved.from, resolved.to]
}

const day = (date: string): string => `${date}T00:00:00Z`

describe('windows of time', () => {
  it.each([
    ['in October', day('2026-10-01'), day('2026-11-01')],
    ['in Sept 2026', day('2026-09-01'), day('2026-10-01')],
    ['on 8 Oct', day('2026-10-08'), day('2026-10-09')],
    ['on October 8th, 2026', day('2026-10-08'), day('2026-10-09')],
    ['on the 8th of October', day('2026-10-08'), day('2026-10-09')],
    ['since 2026-10-30', day('2026-10-30'), null],
    ['after 2026-10-30', day('2026-10-31'), null],
    ['before October', null, day('2026-10-01')],
    ['until 2026-09-03', null, day('2026-09-04')],
    ['between 2026-10-01 and 2026-10-07', day('2026-10-01'), day('2026-10-08')],
    ['from 2026-10-01 to 2026-10-01', day('2026-10-01'), day('2026-10-02')],
    ['in 2026', day('2026-01-01'), day('2027-01-01')],
    ['in Q3 2026', day('2026-07-01'), day('2026-10-01')],
    ['last 7 days of the data', day('2026-10-25'), null],
    ['over the last two weeks', day('2026-10-18'), null],
    ['last 24 hours', '2026-10-30T22:10:00Z', null],
    ['since 2026-10-08T15:00Z', '2026-10-08T15:00:00Z', null],
  ])('%s', (text, from, to) => {
    expect(windowOf(text)).toEqual([from, to])
  })

  it.each([
    ['yesterday', 'today'],
    ['last month', 'today'],
    ['this week', 'today'],
    ['in q3', 'year'],
    ['in January', 'no jan'],
    ['between 2026-10-07 and 2026-10-01', 'ends before'],
    ['between 1 Oct and 7 Oct', 'year'],
  ])('is refused with a reason: %s', (text, says) => {
    expect(String(windowOf(text))).toContain(says)
  })

  it.each(['in general', 'may', 'for may be', 'on 2026-02-30', 'over 2000 tokens'])(
    'is no window: %s',
    (text) => {
      const window = windowOf(text)
      expect(window === null || typeof window === 'string').toBe(true)
    },
  )

  it('asks for the year where the data hold the month twice', () => {
    expect(windowOf('in October', { min: '2025-01-01T00:00:00Z', max: '2026-12-01T00:00:00Z' })).toContain(
      'add the year',
    )
  })
})

describe('words', () => {
  it('keeps the "not" of a short form, and values with dashes, dots and spaces whole', () => {
    expect(tokenise(`didn't gpt-4.1 "two words" >= 1,000 5s $3`).map((token) => token.word)).toEqual([
      'did',
      'not',
      'gpt-4.1',
      'two words',
      '>=',
      '1,000',
      '5s',
      '$3',
    ])
    expect(tokenise('1,000 2k 5ms').map((token) => token.value)).toEqual([1000, 2000, 5])
  })

  it('forgives one slip in words of five letters and more', () => {
    expect(nearlySame('latency', 'latnecy')).toBe(true)
    expect(nearlySame('tenant', 'tennant')).toBe(true)
    expect(nearlySame('model', 'mode')).toBe(false)
    expect(nearlySame('input', 'output')).toBe(false)
    expect(nearlySame('count', 'counts')).toBe(true)
  })
})
