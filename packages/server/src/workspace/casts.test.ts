import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { type CastName, castNames, casts, quoteName, quoteText } from './casts.ts'

async function read(cast: CastName, texts: readonly string[]): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  const values = texts.map((text) => `(${quoteText(text)})`).join(', ')
  const reader = await connection.runAndReadAll(
    `SELECT ${casts[cast].sql('c')} AS x FROM (VALUES ${values}) t(c)`,
  )
  const rows = reader.getRowsJson().map(([value]) => value)
  connection.closeSync()
  instance.closeSync()
  return rows
}

const nothing = ['', ' ', 'N/A', '-', 'null', 'abc', '1x', 'req_000001']

test('every cast is NULL for what it cannot read', async () => {
  for (const cast of castNames) expect(await read(cast, nothing), cast).toEqual(nothing.map(() => null))
})

test('number: plain decimals and exponents, and neither NaN nor infinity', async () => {
  expect(await read('number', ['1', '-2.5', '1e3', ' 7 ', '.5', 'NaN', 'inf', '1e999', '1,5'])).toEqual([
    1,
    -2.5,
    1000,
    7,
    0.5,
    null,
    null,
    null,
    null,
  ])
})

test('number_thousands: commas between groups of three, and plain numbers beside them', async () => {
  expect(await read('number_thousands', ['6,419', '385', '1,234,567.5', '-1,000', '12,34', '0,123'])).toEqual(
    [6419, 385, 1234567.5, -1000, null, null],
  )
})

test('number_german: a comma before decimals and points between groups', async () => {
  expect(await read('number_german', ['1,5', '1.200', '1.200,75', '385', '-3,25', '1.5', '0.123'])).toEqual([
    1.5,
    1200,
    1200.75,
    385,
    -3.25,
    null,
    null,
  ])
})

test('money: a currency before or after, or none', async () => {
  expect(
    await read('money', [
      '$1.50',
      'USD 1.50',
      '1,234.50 €',
      '-$2',
      '$-2',
      '0.1',
      'Included',
      '1.5 EUR',
      '£3',
      '$',
    ]),
  ).toEqual([1.5, 1.5, 1234.5, -2, -2, 0.1, null, 1.5, 3, null])
})

test('boolean: words only, since 0 and 1 are numbers', async () => {
  expect(await read('boolean', ['True', 'false', 'YES', 'no', '1', '0'])).toEqual([
    true,
    false,
    true,
    false,
    null,
    null,
  ])
})

test('iso_time: naive is UTC, an offset counts, digits beyond microseconds are cut', async () => {
  expect(
    await read('iso_time', [
      '2023-11-16 18:17:03.9799600',
      '2026-09-01 02:00:07.188',
      '2026-09-01T02:00:07.188Z',
      '2026-09-01T00:00:00+00:00',
      '2026-09-01T02:00:07+02:00',
      '2026-09-01T02:00:07+0200',
      '2026-09-01 02:00:07 UTC',
      '2026-09-01T02:00:07.123456789Z',
      '2026-09-01',
      '2026/09/01 10:00',
      '2026',
      'infinity',
      'epoch',
      '2026-13-01',
    ]),
  ).toEqual([
    '2023-11-16 18:17:03.97996',
    '2026-09-01 02:00:07.188',
    '2026-09-01 02:00:07.188',
    '2026-09-01 00:00:00',
    '2026-09-01 00:00:07',
    '2026-09-01 00:00:07',
    '2026-09-01 02:00:07',
    '2026-09-01 02:00:07.123456',
    '2026-09-01 00:00:00',
    '2026-09-01 10:00:00',
    null,
    null,
    null,
    null,
  ])
})

test('epochs are told apart by magnitude, and nanoseconds keep their microseconds', async () => {
  const instant = '2026-09-01 02:00:07.188'
  const forms = ['1788228007.188', '1788228007188', '1788228007188000', '1788228007188000000', '1788228007']
  expect(await read('epoch_s', forms)).toEqual([instant, null, null, null, '2026-09-01 02:00:07'])
  expect(await read('epoch_ms', forms)).toEqual([null, instant, null, null, null])
  expect(await read('epoch_us', forms)).toEqual([null, null, instant, null, null])
  expect(await read('epoch_ns', forms)).toEqual([null, null, null, instant, null])
  expect(await read('epoch_s', ['0', '4808', '99999999'])).toEqual([null, null, null])
})

test('days first and months first are two readings', async () => {
  const dates = ['31/12/2026', '12/31/2026', '01/02/2026', '1.2.2026 14:30', '1/2/2026 2:30 PM', '01/02/26']
  expect(await read('date_dmy', dates)).toEqual([
    '2026-12-31 00:00:00',
    null,
    '2026-02-01 00:00:00',
    '2026-02-01 14:30:00',
    '2026-02-01 14:30:00',
    null,
  ])
  expect(await read('date_mdy', dates)).toEqual([
    null,
    '2026-12-31 00:00:00',
    '2026-01-02 00:00:00',
    '2026-01-02 14:30:00',
    '2026-01-02 14:30:00',
    null,
  ])
})

test('json: objects and lists, and no bare number', async () => {
  expect(await read('json', ['{"a":1}', '[1]', '{a}', '1'])).toEqual(['{"a":1}', '[1]', null, null])
})

test('names and texts are quoted', () => {
  expect(quoteName('a"b')).toBe('"a""b"')
  expect(quoteText("a'b")).toBe("'a''b'")
})
