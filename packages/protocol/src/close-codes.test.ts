import { expect, test } from 'vitest'
import { closeCodes, retryAfterClose } from './close-codes.ts'

const listed = Object.entries(closeCodes).map(([code, { name, retry }]) => ({
  code: Number(code),
  name,
  retry,
}))

test('own codes follow their range: 4000–4499 retry, 4500–4999 do not', () => {
  for (const { code, retry } of listed.filter(({ code }) => code >= 4000))
    expect([code, retry === 'never']).toEqual([code, code >= 4500])
})

test('names are unique', () => {
  expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length)
})

test.each(listed)('$code $name is answered by $retry', ({ code, retry }) => {
  expect(retryAfterClose(code)).toBe(retry)
})

test.each([
  [1015, 'backoff'],
  [3000, 'backoff'],
  [4000, 'backoff'],
  [4499, 'backoff'],
  [4507, 'never'],
  [4999, 'never'],
])('unknown %i follows its range: %s', (code, retry) => {
  expect(code in closeCodes).toBe(false)
  expect(retryAfterClose(code)).toBe(retry)
})

test('1011 is a bug of the server and is retried with patience', () => {
  expect(retryAfterClose(1011)).toBe('backoff')
})
