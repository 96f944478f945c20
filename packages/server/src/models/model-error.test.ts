import { APICallError } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import { modelFailure, retryAfterMs, withoutKeys } from './model-error.ts'

const key = 'house/key+with=signs-123'

test.each([
  `Incorrect API key provided: ${key}.`,
  `https://api.example.com/?key=${encodeURIComponent(key)}`,
  `Authorization: Basic ${Buffer.from(key).toString('base64')}`,
  'You sent Bearer abcdefghijkl, masked sk-ab****wxyz and AIzaSyA1234567890',
])('%s is shown without the key', (text) => {
  const shown = withoutKeys(text, [key])
  expect(shown).toContain('[redacted]')
  expect(shown).not.toMatch(/house|abcdefghijkl|wxyz|AIzaSy|aG91c2U/)
})

test('what is said is short, and on one line', () => {
  expect(withoutKeys(`a\n\u001b[31mb ${'x'.repeat(1_000)}`, [])).toMatch(/^a \[31mb x{1,300}…$/)
})

test('the failure of a call tells its status, and nothing of the request', () => {
  const error = new APICallError({
    message: 'Too many requests',
    url: `https://api.example.com/?key=${key}`,
    requestBodyValues: { input: 'what the user asked' },
    statusCode: 429,
    responseHeaders: { 'retry-after': '7' },
  })
  const failure = modelFailure(error, { name: 'openai:gpt-5', keys: [key], begun: false, nowMs: 0 })
  expect(failure).toMatchObject({
    code: 'model_failed',
    message: 'openai:gpt-5 answered 429: Too many requests',
    isPassing: true,
    askedToWaitMs: 7_000,
  })
  expect(failure.cause).toBeUndefined()
  expect(JSON.stringify(Object.getOwnPropertyDescriptors(failure))).not.toMatch(/house|user asked/)
})

test.each([
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after-ms': '120' }, 120],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT' }, 59_000],
  [{ 'retry-after': 'soon' }, 0],
  [{}, 0],
])('%o asks for %d ms', (headers, ms) => {
  expect(retryAfterMs(headers, 1_000)).toBe(ms)
})
