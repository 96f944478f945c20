import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backingOf, markUnbacked, unbackedFilter, unbackedMark } from './backed-figures.ts'

const backing = backingOf(
  [
    { figures: [{ value: 24.120929 }, { value: 0.356 }, { value: 1_257_868 }, { value: 5_588 }] },
    { at: '2026-09-01T18:31:00.000Z', rows: [[585, 'acme']] },
  ],
  'Top 3 of the last 7 days? We have 3 million or 2.5 billion.',
)

test.each([
  'It costs 24.12 USD.',
  'It costs $24.120929.',
  'About 24 USD',
  'The share is 35.6 %, or 36%.',
  'The peak is 1,257,868 tokens, 1,258,000 rounded, 1.26 million or 1258 k.',
  'It took 5.6 s, which is 5588 ms.',
  'At 18:31 on 2026-09-01 there were 585 requests.',
  'Of the last 7 days the top 3 are named.',
  'It fell by -35.6 %, to 24.12USD, 24€ or 24$: 585x, 1.26mn, 5.6s.',
  'Of 3 million and 2.5bn, 3M and 2.5B; 3h are 3h.',
  'gpt-5 at p95 in Q3, [fig:cost_1], claude-sonnet-4-5 and v1.2.3',
  '1. First\n2. Second\n10. Tenth',
])('what a cell or the question backs stays: %s', (text) => {
  expect(markUnbacked(text, backing)).toBe(text)
})

test.each([
  ['It costs 25.12 USD.', ['25.12']],
  ['It costs 24.13 USD, so 289.45 a year.', ['24.13', '289.45']],
  ['On 2026-09-02 at 18:32', ['2026-09-02', '18:32']],
  ['You would save 40 %.', ['40 %']],
  ['There were 586 requests', ['586']],
  ['1. We saved 99 USD', ['99']],
  ['1,257,869', ['1,257,869']],
  ['It changed by -37.2 %, or −37.2 %.', ['-37.2 %', '−37.2 %']],
  ['(-37.2 USD)', ['-37.2']],
  ['5x the cost', ['5x']],
  ['1.2bn tokens, 1.2B, 4m', ['1.2bn', '1.2B', '4m']],
  ['It took 4h, 450USD, 450€ and 450tokens.', ['4h', '450USD', '450€', '450tokens']],
])('what nothing backs is marked: %s', (text, figures) => {
  const marked = figures.reduce((all, figure) => all.replace(figure, `${figure}${unbackedMark}`), text)
  expect(markUnbacked(text, backing)).toBe(marked)
})

test('however the text is cut into pieces, the same is marked', () => {
  const text =
    '1. It costs 24.12 USD, not 25.12 USD.\n2. In 40 % of 1,257,868 tokens at 18:32, 5.6 s or 7.7 s.\nEnd 9'
  const whole = markUnbacked(text, backing)
  expect(whole.split(unbackedMark)).toHaveLength(6)
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 30 }), (cuts) => {
      const places = [0, ...cuts.toSorted((left, right) => left - right), text.length]
      const filter = unbackedFilter(backing)
      const said = places.slice(1).map((place, index) => filter.push(text.slice(places[index], place)))
      expect(said.join('') + filter.end()).toBe(whole)
    }),
    { numRuns: 500 },
  )
})
