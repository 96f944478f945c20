import { newSimulationKey } from '@holdfast/protocol/e2e'
import { expect, test } from 'vitest'
import { freePort, runHere } from '../holdfast.test-support.ts'

const login = ['e2e', 'login', '--persona', 'alice', '--run', 'r1', '--url', 'http://127.0.0.1:9']

test.each<[string, readonly string[], string, number, RegExp]>([
  ['a key on the command line', [...login, '--key', newSimulationKey()], '', 2, /unknown option '--key'/],
  ['no key', login, '', 2, /There is no key/],
  ['something else than a key', login, 'geheim', 1, /64 lowercase hex digits/],
  ['nobody known', ['e2e', 'login', '--persona', 'mallory'], '', 2, /alice, bob, carol, dave/],
  ['no run', ['e2e', 'purge', '--run', 'a_b', '--url', 'http://x'], '', 2, /1 to 40 of a–z/],
  ['no address', [...login.slice(0, -1), 'chat.example.com'], '', 2, /begins with https/],
])('%s: refused, and nothing of it is repeated', async (_what, args, stdin, code, says) => {
  const result = await runHere(args, {}, undefined, stdin)
  expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(says)])
  expect(result.stderr).not.toMatch(/geheim|[0-9a-f]{64}/)
})

test('nobody at the address is said', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  const args = ['e2e', 'purge', '--run', 'r1', '--url', url]
  const result = await runHere(args, {}, undefined, newSimulationKey())
  expect([result.code, result.stderr]).toEqual([1, expect.stringContaining('Nothing answers at')])
})
