import { expect, test } from 'vitest'
import { createCredentials } from './credentials.ts'

/** A source whose answers the test gives. */
function open() {
  const asked: { readonly why: string; readonly answer: PromiseWithResolvers<string> }[] = []
  const credentials = createCredentials((why) => {
    const answer = Promise.withResolvers<string>()
    asked.push({ why, answer })
    return answer.promise
  })
  return {
    credentials,
    whys: () => asked.map(({ why }) => why),
    answer: (value: string) => asked.at(-1)?.answer.resolve(value),
    fail: (error: Error) => asked.at(-1)?.answer.reject(error),
  }
}

test('is asked for once, and who asks meanwhile gets the same', async () => {
  const { credentials, whys, answer } = open()
  const both = [credentials.current(), credentials.renew(null)]
  answer('one')
  expect([await Promise.all(both), await credentials.current(), whys()]).toEqual([
    ['one', 'one'],
    'one',
    ['first'],
  ])
})

test('a refusal that comes late, of a token that was renewed since, renews nothing', async () => {
  const { credentials, whys, answer } = open()
  const first = credentials.current()
  answer('one')
  await first
  const renewed = credentials.renew('one')
  answer('two')
  await renewed
  expect([await credentials.renew('one'), whys()]).toEqual(['two', ['first', 'renewal']])
  const third = credentials.renew('two')
  answer('three')
  expect([await third, whys()]).toEqual(['three', ['first', 'renewal', 'renewal']])
})

test('one that cannot be had is asked for again by the next', async () => {
  const { credentials, whys, answer, fail } = open()
  const first = credentials.current()
  fail(new Error('no'))
  await expect(first).rejects.toThrow('no')
  const second = credentials.current()
  answer('one')
  expect([await second, whys()]).toEqual(['one', ['first', 'first']])
})

test('a source that throws is one that rejects', async () => {
  const credentials = createCredentials(() => {
    throw new Error('signed out')
  })
  await expect(credentials.current()).rejects.toThrow('signed out')
})
