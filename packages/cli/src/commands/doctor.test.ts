import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, runHere, start, takePort, temporaryDirectory } from '../holdfast.test-support.ts'
import { renderFindings } from './doctor.ts'

interface Report {
  readonly ok: boolean
  readonly findings: readonly { readonly name: string; readonly state: string; readonly says: string }[]
}

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runHere(['doctor', '--json', ...args], env)
  const { ok, findings } = JSON.parse(stdout) as Report
  expect(ok).toBe(code === 0)
  return {
    code,
    stopped: findings.filter(({ state }) => state === 'stops').map(({ name }) => name),
    says: (name: string) => findings.find((finding) => finding.name === name)?.says,
    findings,
  }
}

test('where nothing is in the way: everything is said, nothing is made, 0', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'new')
  const { code, findings, says } = await doctor(['--port', '0', '--data-dir', path])
  expect(code).toBe(0)
  expect(findings.map(({ name }) => name)).toEqual([
    'Node',
    'tier',
    'settings',
    'retries',
    'E2E simulation',
    'address',
    'data directory',
    'store',
    'lock',
    'models',
    'limits',
  ])
  expect(says('Node')).toBe(process.versions.node)
  expect(says('tier')).toBe('development (assumed), no platform seen')
  expect(says('store')).toContain('survives a crash of the process, not a loss of power')
  expect(says('lock')).toBe('free')
  expect(existsSync(path)).toBe(false)
})

test('a running server is seen: lock held by its pid, its port in use, 1', async () => {
  await using directory = await temporaryDirectory()
  await using server = start(['serve', '--port', '0', '--data-dir', directory.path])
  const [, port = ''] = await server.saw(/is at http:\/\/127\.0\.0\.1:(\d+)/)
  const { code, stopped, says } = await doctor(['--port', port, '--data-dir', directory.path])
  expect({ code, stopped }).toEqual({ code: 1, stopped: ['address', 'lock'] })
  expect(says('lock')).toContain(`held by pid ${server.child.pid}`)
})

test.each<[string, readonly string[], Readonly<Record<string, string>>, readonly string[]]>([
  ['a bad setting', [], { HOLDFAST_LOG_LEVEL: 'loud' }, ['settings']],
  ['beyond loopback', ['--host', '0.0.0.0'], {}, ['HOLDFAST_HOST']],
  ['a hosted laptop', [], { HOLDFAST_ENV: 'test', K_SERVICE: 'chat' }, ['HOLDFAST_ENV']],
  ['no such address', ['--host', '::2'], {}, ['HOLDFAST_HOST', 'address']],
  [
    'a database that does not answer',
    [],
    { HOLDFAST_DATABASE_URL: 'postgres://u:geheim@127.0.0.1:1/d' },
    ['store'],
  ],
])('%s would stop a boot: 1', async (_name, args, env, expected) => {
  await using directory = await temporaryDirectory()
  const { code, stopped, findings } = await doctor(
    ['--port', '0', '--data-dir', directory.path, ...args],
    env,
  )
  expect({ code, stopped }).toEqual({ code: 1, stopped: expected })
  expect(JSON.stringify(findings)).not.toContain('geheim')
})

test('a data directory that is a file would stop a boot', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'file')
  await writeFile(path, 'x')
  const { stopped } = await doctor(['--port', '0', '--data-dir', path])
  expect(stopped).toEqual(['data directory'])
})

test('evidence and conflicts of the tier are shown', async () => {
  await using directory = await temporaryDirectory()
  const { findings } = await doctor(['--port', '0', '--data-dir', directory.path], {
    GOOGLE_CLOUD_PROJECT: 'not-staging-prod',
  })
  expect(findings[1]).toMatchObject({ name: 'tier', state: 'notice' })
  expect(findings[1]?.says).toMatch(/^production \(assumed\), GOOGLE_CLOUD_PROJECT .* in conflict: /)
})

test('an address that is taken by something else is found', async () => {
  await using directory = await temporaryDirectory()
  const { port, close } = await takePort()
  const { stopped } = await doctor(['--port', String(port), '--data-dir', directory.path])
  await close()
  expect(stopped).toEqual(['address'])
})

test('for a person: marks, names and sentences in columns', () => {
  expect(
    renderFindings([
      { name: 'Node', state: 'fine', says: '24.0.0' },
      { name: 'tier', state: 'notice', says: 'production' },
      { name: 'address', state: 'stops', says: 'in use' },
    ]),
  ).toBe('ok    Node     24.0.0\n!     tier     production\nSTOP  address  in use\n')
})

test('files elsewhere are looked for, and a bucket that cannot be reached stops', async () => {
  await using directory = await temporaryDirectory()
  const args = ['--port', '0', '--data-dir', directory.path]
  const shared = join(directory.path, 'files')
  expect((await doctor(args, { HOLDFAST_FILES: shared })).says('files')).toBe(
    `${shared}, which the first start makes`,
  )
  const { stopped, says } = await doctor(args, {
    HOLDFAST_FILES: 's3://bucket/prefix',
    HOLDFAST_S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    HOLDFAST_S3_ACCESS_KEY_ID: 'id',
    HOLDFAST_S3_SECRET_ACCESS_KEY: 'geheim',
  })
  expect(stopped).toEqual(['files'])
  expect(says('files')).toMatch(/s3:\/\/bucket\/prefix.*ECONNREFUSED/)
})
