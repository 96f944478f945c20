/** Each row of the boot table of the E2E simulation, in the real process: its exit code and what it says. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keyIdOf, newSimulationKey } from '@holdfast/protocol/e2e'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  openSecretManagerServer,
  type SecretManagerServer,
} from '../../server/src/environment/testing/secret-manager-server.ts'
import { freePort, run, runHere, start, temporaryDirectory } from '../src/holdfast.test-support.ts'

/** A process on a busy machine. */
const patienceMs = 300_000

const key = newSimulationKey()
const old = newSimulationKey()
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let manager: SecretManagerServer
const secret = 'projects/acme-staging/secrets/holdfast-e2e'
beforeAll(async () => {
  directory = await temporaryDirectory()
  manager = await openSecretManagerServer()
  manager.put(secret, `${key}\n`)
  manager.put(secret, 'not a key: geheim')
  await writeFile(join(directory.path, 'key'), `${key}\n`)
  await writeFile(join(directory.path, 'not-a-key'), `${key}${key}`)
})
afterAll(async () => {
  await manager[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

type Environment = Record<string, string>

const on: Environment = {
  HOLDFAST_ENV: 'test',
  E2E_SIMULATION_ENABLED: 'true',
  E2E_SIMULATION_HOST: '127.0.0.1:8080',
  E2E_OAUTH_SIMULATION_KEY: key,
}
/** A path is completed, and the local Secret Manager named. */
function completed(environment: Environment): Environment {
  const entries = Object.entries(environment).map(([name, value]) => [
    name,
    value.replace('DIR', directory.path).replace('MANAGER', manager.url),
  ])
  // Errors with their stacks, so that those are searched for the key too.
  return { HOLDFAST_LOG_LEVEL: 'debug', ...Object.fromEntries(entries) }
}

const noKey = { ...on, E2E_OAUTH_SIMULATION_KEY: '' }
const fromManager = { ...noKey, E2E_SECRET_MANAGER_URL: 'MANAGER' }
const production = { HOLDFAST_ENV: 'production' }

describe('refused with 78', () => {
  test.each<[string, string, Environment]>([
    ['production: switched on', 'E2E_SIMULATION_ENABLED', { ...on, ...production }],
    [
      'production: switched off by hand',
      'E2E_SIMULATION_ENABLED',
      { ...production, E2E_SIMULATION_ENABLED: 'false' },
    ],
    ['production: a host', 'E2E_SIMULATION_HOST', { ...production, E2E_SIMULATION_HOST: 'x.example.com' }],
    ['production: a key', 'E2E_OAUTH_SIMULATION_KEY', { ...production, E2E_OAUTH_SIMULATION_KEY: key }],
    [
      'production: a file',
      'E2E_OAUTH_SIMULATION_KEY_FILE',
      { ...production, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR/key' },
    ],
    [
      'production: a secret',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      { ...production, E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/1` },
    ],
    [
      'production: a previous key',
      'E2E_OAUTH_SIMULATION_KEY_PREVIOUS',
      { ...production, E2E_OAUTH_SIMULATION_KEY_PREVIOUS: old },
    ],
    [
      'production: a previous file',
      'E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS',
      { ...production, E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS: 'DIR/key' },
    ],
    [
      'production: a previous secret',
      'E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS',
      { ...production, E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS: `${secret}/versions/1` },
    ],
    [
      'production: the address of Secret Manager',
      'E2E_SECRET_MANAGER_URL',
      { ...production, E2E_SECRET_MANAGER_URL: 'MANAGER' },
    ],
    ['another word than true', 'E2E_SIMULATION_ENABLED', { ...on, E2E_SIMULATION_ENABLED: 'yes' }],
    [
      'a secret of a project that is production',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      {
        ...fromManager,
        E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/1`,
        HOLDFAST_PRODUCTION_PROJECTS: 'acme-staging',
      },
    ],
    ['no tier', 'HOLDFAST_ENV is not set', { ...on, HOLDFAST_ENV: '' }],
    [
      'a detected tier',
      'HOLDFAST_ENV is not set',
      { ...on, HOLDFAST_ENV: '', GCP_PROJECT_ID: 'acme-staging' },
    ],
    [
      'a project that is production',
      'HOLDFAST_PRODUCTION_PROJECTS',
      { ...on, GOOGLE_CLOUD_PROJECT: 'acme-eu', HOLDFAST_PRODUCTION_PROJECTS: 'acme-eu' },
    ],
    ['evidence of production', 'GOOGLE_CLOUD_PROJECT', { ...on, GOOGLE_CLOUD_PROJECT: 'prod-staging-clone' }],
    ['switched on, no key', 'E2E_OAUTH_SIMULATION_KEY', noKey],
    ['a key, not switched on', 'E2E_SIMULATION_ENABLED', { ...on, E2E_SIMULATION_ENABLED: '' }],
    ['two keys', 'E2E_OAUTH_SIMULATION_KEY_FILE', { ...on, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR/key' }],
    ['no host', 'E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: '' }],
    [
      'another host than that of the public address',
      'E2E_SIMULATION_HOST',
      { ...on, HOLDFAST_PUBLIC_URL: 'http://localhost:8080' },
    ],
    [
      'a key of another form',
      'E2E_OAUTH_SIMULATION_KEY',
      { ...on, E2E_OAUTH_SIMULATION_KEY: key.toUpperCase() },
    ],
    [
      'a key that can be guessed',
      'E2E_OAUTH_SIMULATION_KEY',
      { ...on, E2E_OAUTH_SIMULATION_KEY: 'deadbeef'.repeat(8) },
    ],
    [
      'no such file',
      'E2E_OAUTH_SIMULATION_KEY_FILE',
      { ...noKey, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR/none' },
    ],
    [
      'a file with another thing',
      'E2E_OAUTH_SIMULATION_KEY_FILE',
      { ...noKey, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR/not-a-key' },
    ],
    ['a directory', 'E2E_OAUTH_SIMULATION_KEY_FILE', { ...noKey, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR' }],
    [
      'the newest version, whichever it is',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      { ...fromManager, E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/latest` },
    ],
    [
      'a version with another thing',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      { ...fromManager, E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/2` },
    ],
    [
      'no such version',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      { ...fromManager, E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/9` },
    ],
    [
      'a secret that this server may not read',
      'E2E_OAUTH_SIMULATION_KEY_SECRET',
      { ...fromManager, E2E_OAUTH_SIMULATION_KEY_SECRET: 'projects/forbidden/secrets/s/versions/1' },
    ],
    [
      'a previous key that is the current one',
      'E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS',
      { ...on, E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS: 'DIR/key' },
    ],
  ])(
    '%s: one line that names %s, and no key',
    async (_what, named, environment) => {
      const dataDir = join(directory.path, 'data')
      const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data-dir', dataDir], {
        env: completed(environment),
      })
      expect([code, stdout]).toEqual([78, ''])
      const [line = ''] = stderr.split('\n').filter((text) => text.startsWith('holdfast: '))
      expect(line).toContain(named)
      for (const leaked of [key, key.toUpperCase(), old, 'deadbeef', 'geheim'])
        expect(stderr).not.toContain(leaked)
    },
    patienceMs,
  )
})

describe('started', () => {
  test.each<[string, Environment]>([
    ['a key in its variable', on],
    ['a key in a file', { ...noKey, E2E_OAUTH_SIMULATION_KEY_FILE: 'DIR/key' }],
    [
      'a key in Secret Manager, the old one beside it',
      {
        ...fromManager,
        E2E_OAUTH_SIMULATION_KEY_SECRET: `${secret}/versions/1`,
        E2E_OAUTH_SIMULATION_KEY_PREVIOUS: old,
      },
    ],
  ])(
    '%s: a persona signs in and asks, and no key is in any line',
    async (_what, environment) => {
      const port = await freePort()
      const url = `http://127.0.0.1:${port}`
      const dataDir = join(directory.path, 'data')
      await using server = start(['serve', '--port', String(port), '--data-dir', dataDir], {
        env: completed({ ...environment, E2E_SIMULATION_HOST: `127.0.0.1:${port}` }),
      })
      await server.saw(/Ctrl-C/)
      const login = ['e2e', 'login', '--persona', 'alice', '--run', 'r1', '--url', url]
      const byFile = await runHere([...login, '--key-file', join(directory.path, 'key')])
      expect([byFile.code, byFile.stderr]).toEqual([0, expect.stringMatching(/^alice of r1 is usr_/)])
      const session = await fetch(`${url}/v1/session`, {
        headers: { authorization: `Bearer ${byFile.stdout.trim()}` },
      })
      expect(await session.json()).toMatchObject({ simulated: { persona: 'alice', run: 'r1' } })
      const wrong = await runHere(login, {}, undefined, newSimulationKey())
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('not signed as it has to be')])
      const purged = await runHere(['e2e', 'purge', '--run', 'r1', '--url', url], {}, undefined, `${key}\n`)
      expect([purged.code, purged.stdout]).toEqual([0, expect.stringMatching(/^1 users of r1 are gone/)])
      const doctor = await runHere(['doctor', '--json', '--data-dir', `${dataDir}-2`], completed(environment))
      expect(doctor.stdout).toContain(`key ${keyIdOf(key)}`)
      server.child.kill('SIGTERM')
      const { code, stdout, stderr } = await server.ended
      expect(code).toBe(0)
      expect(stderr).toContain(keyIdOf(key))
      const all = [stdout, stderr, doctor.stdout, byFile.stderr, wrong.stderr, purged.stdout].join('\n')
      for (const secretText of [key, old]) expect(all).not.toContain(secretText)
    },
    patienceMs,
  )
})

describe('what is loaded', () => {
  const ofSimulation = /\/auth\/e2e-simulation\/|\/http\/e2e-simulation\.ts|simulation-keys\.ts|google/

  /** The modules of a real server process, once it has answered. */
  async function modules(
    environment: Environment,
    answers: (url: string) => Promise<void>,
  ): Promise<readonly string[]> {
    await using place = await temporaryDirectory()
    const file = join(place.path, 'modules')
    const port = await freePort()
    const recorder = pathToFileURL(join(import.meta.dirname, 'record-modules.test-support.ts')).href
    await using server = start(['serve', '--port', String(port), '--data-dir', join(place.path, 'data')], {
      env: {
        ...completed(environment),
        E2E_SIMULATION_HOST: (environment['E2E_SIMULATION_HOST'] && `127.0.0.1:${port}`) || '',
        HOLDFAST_TEST_MODULES: file,
      },
      nodeArgs: ['--import', recorder],
    })
    await server.saw(/Ctrl-C/)
    await answers(`http://127.0.0.1:${port}`)
    return (await readFile(file, 'utf8')).split('\n')
  }
  const post = async (url: string): Promise<number> =>
    (await fetch(`${url}/auth/e2e/session`, { method: 'POST' })).status

  test(
    'in production nothing of it, and the route is an ordinary 404',
    async () => {
      const loaded = await modules(production, async (url) => expect(await post(url)).toBe(404))
      expect(loaded.some((url) => url.endsWith('/http/sign-in.ts'))).toBe(true)
      expect(loaded.filter((url) => ofSimulation.test(url))).toEqual([])
    },
    patienceMs,
  )

  test(
    'where it is on, the recorder sees it',
    async () => {
      const loaded = await modules(on, async (url) => expect(await post(url)).toBe(401))
      expect(loaded.filter((url) => ofSimulation.test(url)).length).toBeGreaterThan(5)
    },
    patienceMs,
  )
})
