import { keyIdOf, keyProblem } from '@holdfast/protocol/e2e'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  openSecretManagerServer,
  type SecretManagerServer,
} from '../../../server/src/environment/testing/secret-manager-server.ts'
import { runHere } from '../holdfast.test-support.ts'

let manager: SecretManagerServer
beforeAll(async () => {
  manager = await openSecretManagerServer()
})
afterAll(() => manager[Symbol.asyncDispose]())

const of = (secret: string, project = 'acme-staging') => ['--project', project, '--secret', secret]
const name = (secret: string): string => `projects/acme-staging/secrets/${secret}`
async function e2eKey(...args: readonly string[]) {
  const result = await runHere(['e2e-key', ...args], { E2E_SECRET_MANAGER_URL: manager.url })
  // Whatever is said, no key is.
  const keys = [...manager.secrets.values()].flatMap((versions) => versions.map(({ content }) => content))
  for (const key of keys) expect(result.stdout + result.stderr).not.toContain(key)
  return result
}

test('create, rotate, status, revoke: by the real client, each with its gcloud line', async () => {
  const created = await e2eKey('create', ...of('a'))
  expect(created.code).toBe(0)
  expect(created.stdout).toContain(
    '$ gcloud secrets create a --project=acme-staging --replication-policy=automatic --labels=managed-by=holdfast\n' +
      '$ openssl rand -hex 32 | gcloud secrets versions add a --project=acme-staging --data-file=-\n',
  )
  const [first] = manager.secrets.get(name('a')) ?? []
  expect(keyProblem(first?.content ?? '')).toBeNull()
  expect(created.stdout).toContain(`${name('a')}/versions/1 holds the key ${keyIdOf(first?.content ?? '')}`)
  expect(created.stdout).toContain(`  E2E_OAUTH_SIMULATION_KEY_SECRET=${name('a')}/versions/1\n`)

  const rotated = await e2eKey('rotate', ...of('a'))
  const [, second] = manager.secrets.get(name('a')) ?? []
  expect(second?.content).not.toBe(first?.content)
  expect(rotated.stdout).toContain(`  E2E_OAUTH_SIMULATION_KEY_SECRET=${name('a')}/versions/2
  E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS=${name('a')}/versions/1\n`)
  // The old one stays good: revisions name it.
  expect(first?.state).toBe('ENABLED')

  const revoked = await e2eKey('revoke', ...of('a'), '--secret-version', '1')
  expect(revoked.stdout).toContain('$ gcloud secrets versions disable 1 --secret=a --project=acme-staging\n')
  expect([first?.state, second?.state]).toEqual(['DISABLED', 'ENABLED'])

  const { stdout } = await e2eKey('status', ...of('a'))
  expect(stdout).toContain('$ gcloud secrets versions list a --project=acme-staging\n')
  expect(stdout).toMatch(new RegExp(`^2 +enabled +\\S+ +key ${keyIdOf(second?.content ?? '')}$`, 'm'))
  expect(stdout).toMatch(/^1 +disabled +\S+ +–$/m)
})

test.each([
  ['create', []],
  ['rotate', []],
  ['revoke', ['--secret-version', '1']],
  ['status', []],
] as const)('%s --dry-run only prints', async (command, more) => {
  const before = manager.requests.length
  const { code, stdout } = await e2eKey(command, ...of('dry'), ...more, '--dry-run')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^(\$ (openssl rand -hex 32 \| )?gcloud secrets .*\n)+$/)
  expect(manager.requests).toHaveLength(before)
})

test.each<[string, readonly string[], number, RegExp]>([
  ['no such secret', ['rotate', ...of('none')], 1, /has no such secret/],
  ['not allowed', ['create', ...of('s', 'forbidden')], 1, /does not let these credentials/],
  ['no version', ['revoke', ...of('a')], 2, /--secret-version/],
  [
    'the newest, whichever it is',
    ['revoke', ...of('a'), '--secret-version', 'latest'],
    2,
    /number of a version/,
  ],
  ['no project', ['status', '--secret', 'a'], 2, /--project/],
  ['a line of shell', ['status', '--project', 'p; rm -rf /', '--secret', 'a'], 2, /id of a project/],
])('%s is one sentence', async (_what, args, code, says) => {
  const result = await e2eKey(...args)
  expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(says)])
})

test('a secret that is there already is not made again', async () => {
  await e2eKey('create', ...of('twice'))
  const again = await e2eKey('create', ...of('twice'))
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('has this secret already')])
  expect(manager.secrets.get(name('twice'))).toHaveLength(1)
})
