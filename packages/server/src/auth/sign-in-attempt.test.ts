import { expect, test } from 'vitest'
import { localPath } from './sign-in-attempt.ts'

test.each(['/', '/threads/1', '/threads/1?tab=files#last', '/a//b'])(
  '%s is a path of this server',
  (path) => {
    expect(localPath(path)).toBe(path)
  },
)

test.each([
  undefined,
  ['/a', '/b'],
  '',
  'threads',
  'https://evil.test/',
  '//evil.test',
  '///evil.test',
  '/\\evil.test',
  '/\t/evil.test',
  '/.//evil.test',
  '/./\\evil.test',
  '/%2e//evil.test',
  '/..//evil.test',
  '/%2E%2e//evil.test',
  '/a/..//evil.test',
  `/${'a'.repeat(1_000)}`,
])('%s leads to the root', (raw) => {
  const path = localPath(raw)
  expect(path).toBe('/')
})

test('what is a path stays one when it is read again', () => {
  const path = localPath('/thréads/ü?q=ä b')
  expect(localPath(path)).toBe(path)
})
