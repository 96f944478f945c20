import { expect, test } from 'vitest'
import { isLoopbackHost, isLoopbackOrigin } from './loopback.ts'

test.each(['127.0.0.1:8080', 'localhost', 'LOCALHOST:1', '[::1]:8080', '127.0.0.2:8080'])(
  '%s is this machine',
  (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  },
)

test.each([
  undefined,
  '',
  'evil.test',
  'localhost.evil.test:8080',
  '127.0.0.1.evil.test',
  'evil.test#localhost',
  '127.0.0.1:8080@evil.test',
  '0.0.0.0:8080',
  '::1',
  '[127.0.0.1]',
  '127.1',
  '128.0.0.1',
])('%s is not', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})

test('an origin is ours only by scheme, name and port', () => {
  expect(isLoopbackOrigin('http://localhost:8080', 8080)).toBe(true)
  expect(isLoopbackOrigin('http://[::1]:8080', 8080)).toBe(true)
  expect(isLoopbackOrigin('http://127.0.0.2:8080', 8080)).toBe(true)
  expect(isLoopbackOrigin('http://localhost', 80)).toBe(true)
  for (const origin of [
    'https://localhost:8080',
    'http://localhost:8081',
    'http://localhost',
    'http://localhost:8080/',
    'null',
  ])
    expect(isLoopbackOrigin(origin, 8080)).toBe(false)
})
