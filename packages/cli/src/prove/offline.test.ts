import { expect, test } from 'vitest'
import { runHere, temporaryDirectory } from '../holdfast.test-support.ts'

test('what stands after a subcommand is its own: a policy that cannot be read is never passed over', async () => {
  await using directory = await temporaryDirectory()
  const policy = `${directory.path}/none.json`
  const verified = await runHere([
    'prove',
    'verify',
    directory.path,
    '--key',
    `${directory.path}/k.pub`,
    '--policy',
    policy,
  ])
  expect(verified.code).toBe(3)
  expect(verified.stderr).toContain(`--policy ${policy}: cannot be read`)
})

test('a proof in which nothing can be read is not valid, and a typo is no verdict', async () => {
  await using directory = await temporaryDirectory()
  expect((await runHere(['prove', 'recheck', `${directory.path}/history.jsonl.gz`])).code).toBe(3)
  expect((await runHere(['prove', '--profil', 'local'])).code).toBe(3)
  expect((await runHere(['prove', 'not an address'])).code).toBe(3)
  // Where nobody listens there is nothing to judge.
  expect((await runHere(['prove', 'http://127.0.0.1:1', '--token', 'a-token-of-nobody'])).code).toBe(4)
})
