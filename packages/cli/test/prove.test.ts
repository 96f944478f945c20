/** The command as it is used after a deployment: real processes, their real stores, the reports on disk. */
import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newSimulationKey } from '@holdfast/protocol/e2e'
import { Proof } from '@holdfast/prove'
import { describe, expect, test } from 'vitest'
import { freePort, run, start, temporaryDirectory } from '../src/holdfast.test-support.ts'

/** A proof leaves a connection alone for over a minute; and the machine may be busy. */
const patienceMs = 600_000

async function deploy(dataDir: string, env: Readonly<Record<string, string>> = {}) {
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const server = start(['serve', '--port', String(port), '--data-dir', dataDir], {
    env: { ...env, ...(env['E2E_SIMULATION_ENABLED'] && { E2E_SIMULATION_HOST: host }) },
  })
  await server.saw(/Ctrl-C/)
  return { url: `http://${host}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const proofOf = async (directory: string) =>
  Proof.parse(JSON.parse(await readFile(join(directory, 'proof.json'), 'utf8')))
const outcomes = ({ checks }: Awaited<ReturnType<typeof proofOf>>) =>
  Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]))

describe('prove, of real servers', { timeout: patienceMs }, () => {
  test('--profile local is a GO of npm start in two minutes, signed and verified', async () => {
    await using directory = await temporaryDirectory()
    const file = (name: string): string => join(directory.path, name)
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    await writeFile(file('key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await writeFile(file('key.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    await using server = await deploy(file('data'))

    const ended = await run(
      ['prove', server.url, '--profile', 'local', '--data-dir', file('data'), '--sign', file('key')].concat(
        '--out',
        file('proof'),
      ),
    )
    const proof = await proofOf(file('proof'))
    expect([proof.reasons, ended.code]).toEqual([[], 0])
    expect(proof.verdict).toBe('GO')
    expect(proof.seconds).toBeLessThanOrEqual(120)

    const verify = (key: string) => run(['prove', 'verify', file('proof'), '--key', file(key)])
    expect((await verify('key.pub')).code).toBe(0)
    const history = await readFile(file('proof/history.jsonl.gz'))
    history[history.length >> 1] = (history[history.length >> 1] ?? 0) ^ 1
    await writeFile(file('proof/history.jsonl.gz'), history)
    expect((await verify('key.pub')).code).toBe(1)
  })

  test('--profile staging with simulated users, beside a stable build with a store of its own; then --baseline', async () => {
    await using directory = await temporaryDirectory()
    const file = (name: string): string => join(directory.path, name)
    const key = newSimulationKey()
    await writeFile(file('key'), `${key}\n`)
    const staging = {
      HOLDFAST_COMMIT: '0123456789abcdef0123456789abcdef01234567',
      HOLDFAST_ENV: 'test',
      E2E_SIMULATION_ENABLED: 'true',
      E2E_OAUTH_SIMULATION_KEY: key,
    }
    await using candidate = await deploy(file('candidate'), staging)
    await using stable = await deploy(file('stable'), staging)

    const first = await run([
      ...['prove', candidate.url, '--profile', 'staging', '--simulation-key-file', file('key')],
      ...['--users', '3', '--runs', '3', '--against', stable.url, '--pairs', '8', '--pair-runs', '3'],
      ...['--out', file('first')],
    ])
    const proof = await proofOf(file('first'))
    expect(
      proof.checks.flatMap(({ id, outcome, examples }) => (outcome === 'failed' ? [{ id, examples }] : [])),
    ).toEqual([])
    expect(outcomes(proof)).toMatchObject({
      'auth.simkey': 'passed',
      'auth.expiry': 'passed',
      'iso.delivery': 'passed',
      'iso.cross-read': 'passed',
      'clean.residue': 'passed',
      'ws.close-audit': 'passed',
    })
    expect(proof.comparison.map(({ pairs }) => pairs)).toEqual([8, 8, 8])
    // Whether so few pairs suffice is up to the machine; an unchanged build is never worse.
    expect(proof.comparison.map(({ verdict }) => verdict)).not.toContain('worse')
    expect([0, 2]).toContain(first.code)
    for (const name of await readdir(file('first')))
      expect((await readFile(file(`first/${name}`))).includes(key), name).toBe(false)

    const later = await run([
      ...['prove', candidate.url, '--profile', 'staging', '--simulation-key-file', file('key')],
      ...['--users', '3', '--runs', '3', '--baseline', file('first/proof.json'), '--out', file('later')],
    ])
    const { historical, reasons } = await proofOf(file('later'))
    expect([reasons, later.code]).toEqual([[], 0])
    expect(historical?.metrics.length).toBeGreaterThan(0)
    expect(historical?.madeAt).toBe(proof.startedAt)
  })
})
