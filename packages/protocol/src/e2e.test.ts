import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyIdOf, keyProblem, macOf, newSimulationKey, RunName, signRequest } from './e2e.ts'

const key = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

describe('a key', () => {
  test('that is made is one', () => {
    for (let count = 0; count < 200; count += 1) expect(keyProblem(newSimulationKey())).toBeNull()
  })

  test.each([
    ['too short', key.slice(1), 'form'],
    ['too long', `${key}0`, 'form'],
    ['upper case', key.toUpperCase(), 'form'],
    ['no hex', `${key.slice(1)}g`, 'form'],
    ['a line break within', `${key}\n`, 'form'],
    ['empty', '', 'form'],
    ['one digit', '0'.repeat(64), 'variety'],
    ['a word', 'deadbeef'.repeat(8), 'variety'],
    ['all digits in turn', '0123456789abcdef'.repeat(4), 'variety'],
    ['counted', Buffer.from(Array.from({ length: 32 }, (_, n) => n)).toString('hex'), 'variety'],
    [
      'counted by sevens',
      Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7)).toString('hex'),
      'variety',
    ],
  ])('%s is none', (_what, text, problem) => {
    expect(keyProblem(text)).toBe(problem)
  })
})

test('signing is what anybody can do with openssl: the text, the key as it is written', () => {
  const url = 'https://chat.staging.example.com/auth/e2e/session'
  const headers = signRequest({ key, method: 'POST', url, body: '{}', nowMs: 1_700_000_000_999 })
  const text = [
    'e2e-sim.v1',
    'POST',
    'chat.staging.example.com',
    '/auth/e2e/session',
    '1700000000',
    headers['x-e2e-nonce'],
    // printf '{}' | sha256sum
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  ].join('\n')
  expect(headers).toEqual({
    'x-e2e-key-id': keyIdOf(key),
    'x-e2e-timestamp': '1700000000',
    'x-e2e-nonce': expect.stringMatching(/^[\w-]{22}$/),
    'x-e2e-signature': `v1=${createHmac('sha256', key).update(text).digest('hex')}`,
  })
  // printf 'kid:%s' "$KEY" | sha256sum | cut -c1-16
  expect(keyIdOf(key)).toBe('2d60259b0afd6f2b')
})

test('a nonce is never the same, and the host can be named apart from where the request goes', () => {
  const request = { key, method: 'DELETE', url: 'http://127.0.0.1:1/auth/e2e/runs/a' } as const
  expect(signRequest(request)['x-e2e-nonce']).not.toBe(signRequest(request)['x-e2e-nonce'])
  const signed = signRequest({ ...request, host: 'chat.example.com', nowMs: 0 })
  const parts = {
    method: 'DELETE',
    host: 'chat.example.com',
    path: '/auth/e2e/runs/a',
    timestamp: '0',
    nonce: signed['x-e2e-nonce'] ?? '',
  }
  expect(signed['x-e2e-signature']).toBe(`v1=${macOf(key, parts, Buffer.alloc(0)).toString('hex')}`)
})

test('every part counts, and none can flow over into the next', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-'), maxLength: 4 })
  const parts = fc.record({ method: part, host: part, path: part, timestamp: part, nonce: part })
  fc.assert(
    fc.property(parts, parts, fc.uint8Array({ maxLength: 3 }), (one, other, body) => {
      const same = JSON.stringify(one) === JSON.stringify(other)
      expect(macOf(key, one, body).equals(macOf(key, other, body))).toBe(same)
      expect(macOf(key, one, body).equals(macOf(key, one, Buffer.from([...body, 0])))).toBe(false)
    }),
  )
})

test('something that is no key signs nothing, and is not in the error', () => {
  const sign = () => signRequest({ key: 'geheim', method: 'POST', url: 'http://x/' })
  expect(sign).toThrow(/64 lowercase hex/)
  expect(sign).not.toThrow(/geheim/)
})

test.each([
  ['ci-4711', true],
  ['7', true],
  ['a'.repeat(40), true],
  ['a'.repeat(41), false],
  ['-a', false],
  ['a_b', false],
  ['A', false],
  ['../x', false],
  ['', false],
])('%j names a run: %s', (name, good) => {
  expect(RunName.safeParse(name).success).toBe(good)
})
