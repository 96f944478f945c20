import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newSimulationKey } from '@holdfast/protocol/e2e'
import { expect, test } from 'vitest'
import { freePort, runHere, start, takePort, temporaryDirectory } from '../holdfast.test-support.ts'
import { renderFindings } from './doctor.ts'

interface Report {
  readonly ok: boolean
  readonly settings: readonly { readonly names: readonly string[]; readonly value: string }[]
  readonly findings: readonly { readonly name: string; readonly state: string; readonly says: string }[]
}

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runHere(['doctor', '--json', ...args], env)
  const { ok, findings, settings } = JSON.parse(stdout) as Report
  expect(ok).toBe(code === 0)
  return {
    code,
    stopped: findings.filter(({ state }) => state === 'stops').map(({ name }) => name),
    says: (name: string) => findings.find((finding) => finding.name === name)?.says,
    findings,
    shown: (name: string) => settings.find(({ names }) => names.includes(name))?.value,
    stdout,
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
  ['a bus that lacks its address', [], { HOLDFAST_BUS: 'nats' }, ['HOLDFAST_BUS']],
  ['agents that are not there', [], { HOLDFAST_AGENTS: '/nowhere.js' }, ['HOLDFAST_AGENTS']],
  [
    'tools that cannot be reached',
    [],
    {
      HOLDFAST_MCP_SERVERS: '{"house":{"url":"http://127.0.0.1:1/geheim","allowPrivate":true}}',
    },
    ['HOLDFAST_MCP_SERVERS'],
  ],
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

test('a provider that must not be trusted would stop a boot, one that is away would not', async () => {
  await using directory = await temporaryDirectory()
  const path = ['--port', '0', '--data-dir', directory.path]
  const provider = createServer((_request, response) => response.end('{"issuer":"https://evil.test"}'))
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const environment = {
    HOLDFAST_ENV: 'test',
    HOLDFAST_PUBLIC_URL: 'http://127.0.0.1:8080',
    HOLDFAST_OIDC_ISSUER: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
    HOLDFAST_OIDC_CLIENT_ID: 'holdfast',
  }
  expect((await doctor(path, environment)).stopped).toEqual(['HOLDFAST_OIDC_ISSUER'])
  await new Promise((resolve) => provider.close(resolve))
  const away = await doctor(path, environment)
  expect([away.code, away.says('identity provider')]).toEqual([0, expect.stringContaining('does not answer')])
})

test('a hosted platform whose proxies nobody counted is told', async () => {
  await using directory = await temporaryDirectory()
  const path = ['--port', '0', '--data-dir', directory.path]
  const hosted = { HOLDFAST_ENV: 'staging', K_SERVICE: 'chat' }
  const { findings } = await doctor(path, hosted)
  expect(findings.find(({ name }) => name === 'proxies')).toMatchObject({
    state: 'notice',
    says: expect.stringMatching(/^HOLDFAST_PROXY_HOPS is 0, and K_SERVICE says/),
  })
  const told = await doctor(path, { ...hosted, HOLDFAST_PROXY_HOPS: '1' })
  expect(told.says('proxies')).toBeUndefined()
})

test('every setting is told as it is, and a simulation key in no variable', async () => {
  await using directory = await temporaryDirectory()
  const path = ['--port', '0', '--data-dir', directory.path]
  const digest = `sha256:${'a1'.repeat(32)}`
  const { shown } = await doctor(path, { HOLDFAST_IMAGE_DIGEST: digest, HOLDFAST_LOG_LEVEL: 'warn' })
  expect([shown('HOLDFAST_IMAGE_DIGEST'), shown('HOLDFAST_LOG_LEVEL')]).toEqual([digest, 'warn'])
  const key = newSimulationKey()
  for (const name of [
    'E2E_OAUTH_SIMULATION_KEY',
    'E2E_OAUTH_SIMULATION_KEY_FILE',
    'E2E_OAUTH_SIMULATION_KEY_SECRET',
    'E2E_SIMULATION_HOST',
    'E2E_SIMULATION_ENABLED',
  ]) {
    const wrong = await doctor(path, { HOLDFAST_ENV: 'test', [name]: key })
    expect([name, wrong.stdout.includes(key), wrong.shown(name)]).toEqual([name, false, '[redacted]'])
  }
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
