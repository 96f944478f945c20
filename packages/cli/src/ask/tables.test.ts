import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alignRows, alignTables, printable, renderTable, widthOf } from './tables.ts'

test('columns are aligned, numbers to the right', () => {
  expect(
    renderTable(
      ['model', 'cost', 'note'],
      [
        ['gpt-5', 15.313071, null],
        ['claude', 1_000, 'x'],
      ],
      10,
    ),
  ).toEqual([
    'model        cost  note',
    '------  ---------  ----',
    'gpt-5   15.313071  –',
    'claude      1,000  x',
  ])
})

test('rows beyond the limit are counted', () => {
  const rows = [[1], [2], [3]]
  expect(renderTable(['n'], rows, 2).at(-1)).toBe('… and 1 more row')
  expect(renderTable(['n'], rows, 1).at(-1)).toBe('… and 2 more rows')
  expect(renderTable(['n'], rows, 3).at(-1)).toBe('3')
})

test.each([
  ['abc', 3],
  ['é', 1],
  ['日本', 4],
  ['🙂', 2],
  ['', 0],
])('%s takes %i columns', (text, width) => {
  expect(widthOf(text)).toBe(width)
})

test('every line of a table is as wide as its rule, or ends early', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/\s/g, '_'))
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 }), (rows) => {
      const [head, rule, ...body] = alignRows(rows)
      for (const line of [head, ...body]) expect(widthOf(line ?? '')).toBeLessThanOrEqual(widthOf(rule ?? ''))
    }),
  )
})

test('a line break in a cell does not break the table, a long cell is cut', () => {
  const lines = renderTable(['a', 'b'], [['x\ny', 'z'.repeat(200)]], 5)
  expect(lines).toHaveLength(3)
  expect(lines[2]).toMatch(/^x y {2}z+…$/)
  expect(lines[2]?.length).toBeLessThan(70)
})

test('markdown tables are aligned, and what stands around them stays', () => {
  const markdown = [
    'Before.',
    '',
    '| model | cost |',
    '|:--|--:|',
    '| gpt-5 | 1.5 |',
    '| a \\| b | 22 |',
    '',
    'After.',
  ]
  expect(alignTables(markdown.join('\n')).split('\n')).toEqual([
    'Before.',
    '',
    'model  cost',
    '-----  ----',
    'gpt-5   1.5',
    'a | b    22',
    '',
    'After.',
  ])
})

test('control characters of users and models cannot drive the terminal', () => {
  expect(printable('a\u001b[2Jb\u0007c\u202ed\u009be')).toBe('a�[2Jb�c�d�e')
  expect(printable('tab\tand\nbreak stay')).toBe('tab\tand\nbreak stay')
  const table = renderTable(['\u001b]0;evil\u0007'], [['\u001b[31mred']], 5).join('\n')
  expect(table).not.toContain('\u001b')
})
