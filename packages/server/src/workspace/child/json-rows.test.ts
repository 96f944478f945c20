import { expect, test } from 'vitest'
import { flatten, isObject, parseJson, rowsOfDocument } from './json-rows.ts'

function flat(text: string): Record<string, string> {
  const value = parseJson(text)
  if (!isObject(value)) throw new Error('an object was meant')
  return Object.fromEntries(flatten(value))
}

test('nested keys join by a dot, and keys with dots keep theirs', () => {
  expect(
    flat('{"usage_details":{"input":1,"deep":{"x":true}},"attributes":{"gen_ai.usage.input_tokens":5}}'),
  ).toEqual({
    'usage_details.input': '1',
    'usage_details.deep.x': 'true',
    'attributes.gen_ai.usage.input_tokens': '5',
  })
})

test('numbers keep their text', () => {
  expect(
    flat('{"a":25.0,"b":1.10,"c":1788228007188000001,"d":1e3,"e":-0,"f":0.1,"g":[1.0,{"h":2.50}]}'),
  ).toEqual({
    a: '25.0',
    b: '1.10',
    c: '1788228007188000001',
    d: '1e3',
    e: '-0',
    f: '0.1',
    g: '[1.0,{"h":2.50}]',
  })
})

test('null is a blank, an empty object nothing, a list JSON text', () => {
  expect(flat('{"a":null,"b":{},"c":["x",null]}')).toEqual({ a: '', c: '["x",null]' })
})

const rows = (text: string) => rowsOfDocument(parseJson(text))?.rows.map((row) => Object.fromEntries(row))

test('an array of objects is rows, and an object around one array of objects too', () => {
  expect(rows('[{"a":1},{"b":2}]')).toEqual([{ a: '1' }, { b: '2' }])
  expect(rows('{"data":[{"a":1}],"has_more":false}')).toEqual([{ a: '1' }])
})

test('rows inside the elements of an answer carry the elements’ own values', () => {
  expect(
    rows(
      '{"data":[{"day":"1","name":"p","results":[{"amount":"2"},{"amount":"3","name":"c"}]},{"day":"2","results":[]}]}',
    ),
  ).toEqual([
    { day: '1', name: 'p', amount: '2' },
    { day: '1', name: 'p', amount: '3', 'results.name': 'c' },
  ])
})

test('an array inside the rows of a plain array stays a cell: it would multiply them', () => {
  expect(rows('[{"id":1,"messages":[{"a":1},{"a":2}]}]')).toEqual([
    { id: '1', messages: '[{"a":1},{"a":2}]' },
  ])
})

test('what holds no objects is no table', () => {
  expect(rowsOfDocument(parseJson('[1,2]'))).toBeNull()
  expect(rowsOfDocument(parseJson('5'))).toBeNull()
  expect(rowsOfDocument(parseJson('{}'))).toBeNull()
})

test.each([
  ['objects', '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000)],
  ['arrays', `{"a":${'['.repeat(5_000)}1${']'.repeat(5_000)}}`],
])('%s nested thousands deep are refused as a file, not met as a fault', (_, text) => {
  expect(() => flat(text)).toThrow(/nested more than 100 levels/)
})
