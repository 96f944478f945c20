import { expect, test } from 'vitest'
import { fileName } from './file-name.ts'

test('file names hold no path', () => {
  expect(fileName('../a/b: "c"', 'csv')).toBe('a b c.csv')
  expect(fileName('///', 'csv')).toBe('holdfast.csv')
})
