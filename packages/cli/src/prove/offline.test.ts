import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { judge, sealProof, writeProof } from '@holdfast/prove'
import { expect, test } from 'vitest'
import { historyOf } from '../../../prove/test/history.test-support.ts'
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

/** Of `local`, in which one close was the server's. */
const closedWith = (code: number) =>
  historyOf({ startedAt: new Date().toISOString() }, (recorder) =>
    recorder.add({ k: 'close', conn: 1, code, reason: '', by: 'server' }),
  )

test('verify: 0 valid, 2 valid and not enough, 1 not valid; recheck: as the verdict', async () => {
  await using directory = await temporaryDirectory()
  const file = (name: string): string => join(directory.path, name)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await writeFile(file('k.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  await writeFile(file('policy.json'), JSON.stringify({ requiredChecks: ['iso.delivery'] }))
  for (const [name, code, expected] of [
    ['unknown', 1001, 2],
    ['bad', 1011, 1],
  ] as const) {
    const lines = closedWith(code)
    const proof = judge(lines)
    const files = await writeProof(file(name), lines, proof)
    await sealProof(file(name), proof, files, { privateKeyPem, policy: null })
    expect((await runHere(['prove', 'recheck', file(`${name}/history.jsonl.gz`)])).code).toBe(expected)
  }
  const verify = async (...more: readonly string[]) =>
    (await runHere(['prove', 'verify', file('unknown'), '--key', file('k.pub'), ...more])).code
  expect(await verify()).toBe(0)
  expect(await verify('--policy', file('policy.json'))).toBe(2)
  await writeFile(file('unknown/report.md'), '# GO')
  expect(await verify()).toBe(1)
})

test('contract diff: 0 nothing breaks, 1 something does, 2 nobody can tell', async () => {
  await using directory = await temporaryDirectory()
  const diff = async (before: object, after: object) => {
    for (const [name, value] of Object.entries({ before, after }))
      await writeFile(join(directory.path, name), JSON.stringify(value))
    const at = (name: string): string => join(directory.path, name)
    return (await runHere(['prove', 'contract', 'diff', at('before'), at('after')])).code
  }
  expect(await diff({ limits: { a: 1 } }, { limits: { a: 2 } })).toBe(0)
  expect(await diff({ limits: { a: 2 } }, { limits: { a: 1 } })).toBe(1)
  expect(await diff({ limits: { a: 1 } }, { limits: { a: 1, b: 1 } })).toBe(2)
})
