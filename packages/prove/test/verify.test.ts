import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyId, preAuthEncoding, seal } from '../src/attest/dsse.ts'
import { sealProof } from '../src/attest/seal-proof.ts'
import { proofStatement, testResultStatement } from '../src/attest/statements.ts'
import { verifyProof } from '../src/attest/verify-proof.ts'
import { packHistory, unpackHistory } from '../src/history/history-file.ts'
import type { Line } from '../src/history/lines.ts'
import { reportsOf, writeProof } from '../src/report/write-proof.ts'
import { judge } from '../src/verdict/judge.ts'
import { proofSchema } from '../src/verdict/proof-document.ts'
import { proveBundled } from './bundled.test-support.ts'

const pems = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privateKey,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
const keys = pems()
let directory = ''
let lines: readonly Line[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-proof-'))
  const proved = await proveBundled({ only: ['identity', 'sign-in', 'flow'] })
  lines = proved.lines
  expect(proved.proof.headline).toBe('GO')
  const files = await writeProof(directory, lines, proved.proof)
  await sealProof(directory, proved.proof, files, { privateKeyPem: keys.privateKeyPem, policy: null })
}, 60_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

test('a proof as it was made is valid, and judged again it is the same, byte for byte', async () => {
  const { problems, unmet, proof } = await verifyProof(directory, keys.publicKeyPem, null)
  expect({ problems, unmet }).toEqual({ problems: [], unmet: [] })
  expect(proof?.verdict).toBe('GO')
  const again = judge(unpackHistory(await readFile(join(directory, 'history.jsonl.gz'))))
  expect(`${JSON.stringify(again, null, 2)}\n`).toBe(await readFile(join(directory, 'proof.json'), 'utf8'))
})

test('one bit of any byte, sampled in every file, and it is not valid any more', async () => {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const whole = await readFile(path)
    const places = [
      0,
      4,
      whole.length >> 2,
      whole.length >> 1,
      whole.length - 9,
      whole.length - 2,
      whole.length - 1,
    ]
    for (const place of places) {
      const touched = Buffer.from(whole)
      touched[place] = (touched[place] ?? 0) ^ 1
      await writeFile(path, touched)
      const { problems } = await verifyProof(directory, keys.publicKeyPem, null)
      expect([name, place, problems.length > 0]).toEqual([name, place, true])
    }
    await writeFile(path, whole)
  }
  expect((await verifyProof(directory, keys.publicKeyPem, null)).problems).toEqual([])
}, 120_000)

test('another key, and a file that is gone', async () => {
  expect((await verifyProof(directory, pems().publicKeyPem, null)).problems.join()).toMatch(/another key/)
  const path = join(directory, 'report.md')
  const text = await readFile(path)
  await rm(path)
  expect((await verifyProof(directory, keys.publicKeyPem, null)).problems.join()).toMatch(
    /report.md cannot be read/,
  )
  await writeFile(path, text)
})

test('a verdict that the history does not support is not valid, whoever signed it', async () => {
  const forged = await mkdtemp(join(tmpdir(), 'holdfast-forged-'))
  try {
    // The history of a failure, under the reports of a GO, all of it signed with the right key.
    const worse = lines.filter((line) => !(line.k === 'in' && line.text.includes('"tool_completed"')))
    const good = judge(lines)
    expect(judge(worse).verdict).toBe('NO-GO')
    const files = new Map<string, Uint8Array>([['history.jsonl.gz', packHistory(worse)]])
    for (const [name, text] of Object.entries(reportsOf(good, lines))) files.set(name, Buffer.from(text))
    for (const [name, bytes] of files) await writeFile(join(forged, name), bytes)
    await writeFile(join(forged, 'proof.dsse.json'), seal(proofStatement(good, files, null), keys.privateKey))
    await writeFile(
      join(forged, 'test-result.dsse.json'),
      seal(testResultStatement(good, files), keys.privateKey),
    )
    expect((await verifyProof(forged, keys.publicKeyPem, null)).problems.join()).toMatch(
      /The history supports NO-GO, and proof.json says GO/,
    )
  } finally {
    await rm(forged, { recursive: true, force: true })
  }
})

test('proof.json is of its schema, and nothing more may stand in it', async () => {
  const validate = new Ajv2020({ strict: false }).compile(proofSchema())
  const proof = JSON.parse(await readFile(join(directory, 'proof.json'), 'utf8')) as Record<string, unknown>
  expect([validate(proof), validate.errors]).toEqual([true, null])
  expect(validate({ ...proof, extra: 1 })).toBe(false)
})

test('a policy: what has to have passed, how old it may be, of which image', async () => {
  const unmet = async (policy: object, now = new Date()): Promise<string> =>
    (await verifyProof(directory, keys.publicKeyPem, JSON.stringify(policy), now)).unmet.join('; ')
  expect(await unmet({ requiredChecks: ['run.order', 'run.agree'], maximumAgeHours: 1 })).toBe('')
  expect(await unmet({ requiredChecks: ['iso.delivery'] })).toBe('iso.delivery did not pass')
  expect(await unmet({ maximumAgeHours: 1 }, new Date(Date.now() + 7_200_000))).toMatch(/2.0 hours old/)
  expect(await unmet({ image: `sha256:${'f'.repeat(64)}` })).toMatch(/it is of image/)
  expect(await unmet({ killMatrix: 'x' })).toMatch(/prover was another one/)
})

test('the encoding that is signed, as the specification of DSSE has it', () => {
  // github.com/secure-systems-lab/dsse, protocol.md, test vector.
  expect(preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  )
  expect(keyId(createPublicKey(keys.publicKeyPem))).toMatch(/^[0-9a-f]{64}$/)
})
