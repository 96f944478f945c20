import { describe, expect, it } from 'vitest'
import { times } from '../testing/profiles.ts'
import { asking, requestLog } from './parse.test-support.ts'
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
    ['on 2026-10-17T14:00', '2026-10-17T14:00:00Z', '2026-10-17T14:01:00Z'],
    ['on 2026-10-17T14:00:30', '2026-10-17T14:00:30Z', '2026-10-17T14:00:31Z'],
    ['until 2026-10-17T14:00', null, '2026-10-17T14:00:00Z'],
    ['between 2026-10-17T14:00 and 2026-10-17T16:00', '2026-10-17T14:00:00Z', '2026-10-17T16:00:00Z'],
    ['from October on', day('2026-10-01'), null],
    ['from 2026-10-30 onwards', day('2026-10-30'), null],
    ['from 2026-10-30T12:00', '2026-10-30T12:00:00Z', null],
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
    ['from October', '“in October” or “since October”'],
    ['from 2026-10-30', '“on 2026-10-30” or “since 2026-10-30”'],
    ['from the 8th of October', '“on 8th of October”'],
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

  it.each([
    ['last 1 month', '2026-03-31T10:00:00Z', day('2026-03-01')],
    ['last 1 month', '2026-03-15T10:00:00Z', day('2026-02-16')],
    ['last 2 months', '2026-04-30T10:00:00Z', day('2026-03-01')],
    ['last 13 months', '2026-03-31T10:00:00Z', day('2025-03-01')],
  ])('%s of data up to %s', (text, max, from) => {
    expect(windowOf(text, { min: '2024-01-01T00:00:00Z', max })).toEqual([from, null])
  })

  it('asks for the year where the data hold the month twice', () => {
    expect(windowOf('in October', { min: '2025-01-01T00:00:00Z', max: '2026-12-01T00:00:00Z' })).toContain(
      'add the year',
    )
  })
})

describe('windows on dates that read in two ways', () => {
  // The profile's span is that of the day first.
  const dates = times('timestamp', ['01/02/2026', '03/04/2026'], ['date_dmy', 'date_mdy'])
  const ask = asking([dates, ...requestLog.slice(1)])

  it('asks which before it looks where the data end', () => {
    expect(ask('total cost in October')).toBe('asks: reading:timestamp')
    expect(ask('total cost over the last 7 days of the data')).toBe('asks: reading:timestamp')
  })

  it('knows the end of the data only of the reading that was profiled', () => {
    expect(ask('total cost in October', { 'date:timestamp': 'dmy' })).toContain('from 2026-10-01')
    const other = { 'date:timestamp': 'mdy' }
    expect(ask('total cost over the last 7 days of the data', other)).toMatch(/where the data begin and end/)
    expect(ask('total cost in October 2026', other)).toContain('from 2026-10-01')
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
