import type { Figure } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { formatCell, formatFigure, renderStrong, withoutCitations } from './figures.ts'

const figure = (id: string, value: Figure['value'], unit: string): Figure => ({
  id,
  label: id,
  value,
  unit,
  query: 'q',
  row: 0,
  column: 'c',
})

test.each([
  [1_257_868, '1,257,868'],
  [24.120929, '24.120929'],
  [0.000123456, '0.000123456'],
  [-3.5, '-3.5'],
  [0, '0'],
  [null, '–'],
  [true, 'true'],
  ['gpt-5', 'gpt-5'],
  ['9007199254740993', '9007199254740993'],
  ['2023-11-16T18:31:00.000Z', '2023-11-16 18:31'],
  ['2023-11-16T18:31:07Z', '2023-11-16 18:31:07'],
  ['2023-11-16T18:31:07.250Z', '2023-11-16 18:31:07.25'],
  ['2023-11-16', '2023-11-16'],
])('%j is shown as %s', (cell, expected) => {
  expect(formatCell(cell)).toBe(expected)
})

test('a unit stands behind its figure, unless there is none to speak of', () => {
  expect(formatFigure(figure('a', 585, 'requests/min'))).toBe('585 requests/min')
  expect(formatFigure(figure('a', 585, ''))).toBe('585')
  expect(formatFigure(figure('a', null, 'USD'))).toBe('–')
  expect(formatFigure(figure('a', '2023-11-16T18:31:00.000Z', 'UTC'))).toBe('2023-11-16 18:31 UTC')
})

test('[D3] a citation goes where its value stands before it, and is its figure where it stands alone', () => {
  const figures = [figure('peak', 585, 'requests/min'), figure('cost.total', 24.120929, 'USD')]
  expect(
    withoutCitations(
      'Peak **585 requests/min** [fig:peak], or [fig:peak]; [fig:cost.total]; [fig:gone].',
      figures,
    ),
  ).toBe('Peak **585 requests/min**, or 585 requests/min; 24.120929 USD; [fig:gone].')
})

test('a value is put in as it is, whatever it looks like', () => {
  expect(withoutCitations('[fig:a]', [figure('a', '$& [fig:a]', '')])).toBe('$& [fig:a]')
})

test('what is strong is made bold', () => {
  expect(renderStrong('a **b c** d **e**, 2 ** 3', (words) => `<${words}>`)).toBe('a <b c> d <e>, 2 ** 3')
})
