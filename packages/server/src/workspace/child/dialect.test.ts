import { describe, expect, test } from 'vitest'
import { findHeader, noDelimiter, sniffDialect, uniqueNames } from './dialect.ts'
import { splitRecords } from './records.ts'

const fields = (text: string, delimiter = ',', quote = '"') =>
  splitRecords(text, delimiter, quote, true).map((record) => record.fields)

describe('records', () => {
  test('quotes hold delimiters, line breaks and doubled quotes', () => {
    expect(fields('a,"b,c"\r\n"d\ne","f""g"\n')).toEqual([
      ['a', 'b,c'],
      ['d\ne', 'f"g'],
    ])
  })
  test('a quote inside an unquoted field is an ordinary character', () => {
    expect(fields('6" pipe,x')).toEqual([['6" pipe', 'x']])
  })
  test('empty fields count, also the last', () => {
    expect(fields(',a,\n')).toEqual([['', 'a', '']])
    expect(fields('a,')).toEqual([['a', '']])
  })
  test('the last record of a sample is left out, for it may be cut', () => {
    expect(splitRecords('a,b\nc,', ',', '"', false).map((record) => record.fields)).toEqual([['a', 'b']])
  })
  test('lines are counted through quoted line breaks', () => {
    expect(splitRecords('"a\nb",c\nd,e\n', ',', '"', true).map((record) => record.line)).toEqual([0, 2])
  })
})

describe('dialect', () => {
  test.each([
    [',', 'a,b\n1,2\n'],
    [';', 'a;b\n1,5;2,5\n3,5;4,5\n'],
    ['\t', 'a\tb\n1,2\t3\n'],
    ['|', 'a|b\n1|2\n'],
    [';', 'a;b\n"x;y";1\n'],
    [noDelimiter, 'message\nhello, world\nfoo\nbar; baz\n'],
    [noDelimiter, 'n\n1\n2\n'],
  ])('%j separates %j', (delimiter, text) => {
    expect(sniffDialect(text, true).delimiter).toBe(delimiter)
  })
  test('one row with a stray quote does not make it one column', () => {
    const rows = Array.from({ length: 83 }, (_, id) => `${id},"name ${id}",2026-01-01`)
    for (const stray of ['40,"na"me",x', '40,"name,x', '40,name",x']) {
      const text = ['id,name,day', ...rows.with(40, stray)].join('\n')
      expect(sniffDialect(text, true)).toMatchObject({ delimiter: ',', columns: ['id', 'name', 'day'] })
    }
  })
  test('lines before the header are left out and said', () => {
    const dialect = sniffDialect('Usage report\nfrom a, to b\n\nid,name,cost\n1,a,2.5\n2,b,3.5\n', true)
    expect(dialect).toMatchObject({ skipLines: 3, columns: ['id', 'name', 'cost'] })
    expect(dialect.problems[0]).toContain('3 lines before the header')
  })
  test('a file without a header says so', () => {
    const dialect = sniffDialect('1,2026-01-01,3.5\n2,2026-01-02,4.5\n', true)
    expect(dialect).toMatchObject({ header: false, columns: ['column_1', 'column_2', 'column_3'] })
    expect(dialect.problems).toHaveLength(1)
  })
  test('years are names of columns', () => {
    expect(
      findHeader([
        ['region', '2023', '2024'],
        ['EU', '5', '6'],
      ]).header,
    ).toBe(true)
  })
})

test('names repeat regardless of case, as DuckDB compares them', () => {
  expect(uniqueNames(['Model', 'model', ' a ', 'a', ''])).toEqual({
    names: ['Model', 'model_2', 'a', 'a_2', 'column_5'],
    problems: [
      expect.stringContaining('column 2 is called model_2'),
      expect.stringContaining('column 4 is called a_2'),
      expect.stringContaining('Column 5 has no name'),
    ],
  })
})
