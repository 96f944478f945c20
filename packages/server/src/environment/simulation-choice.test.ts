import { newSimulationKey } from '@holdfast/protocol/e2e'
import { describe, expect, test } from 'vitest'
import { readSettings, SettingError } from './settings.ts'
import { chooseSimulation, simulationProblems } from './simulation-choice.ts'
import { detectTier } from './tier.ts'

const key = newSimulationKey()
const other = newSimulationKey()
const on = {
  HOLDFAST_ENV: 'staging',
  HOLDFAST_PUBLIC_URL: 'https://chat.staging.example.com',
  E2E_SIMULATION_ENABLED: 'true',
  E2E_SIMULATION_HOST: 'chat.staging.example.com',
  E2E_OAUTH_SIMULATION_KEY: key,
}
const local = {
  HOLDFAST_ENV: 'test',
  E2E_SIMULATION_ENABLED: 'true',
  E2E_SIMULATION_HOST: '127.0.0.1:8080',
  E2E_OAUTH_SIMULATION_KEY: key,
}
const version = 'projects/acme-staging/secrets/holdfast-e2e/versions/3'

function judge(environment: Record<string, string>): readonly string[] {
  const settings = readSettings(environment)
  const problems = simulationProblems(settings, detectTier(settings))
  // Whatever is wrong, no key is in what is said about it.
  for (const { message } of problems) expect(message).not.toMatch(/[0-9a-f]{30}/i)
  return problems.map(({ setting }) => setting)
}

describe('with all of it set', () => {
  test.each<[string, Record<string, string>]>([
    ['staging', on],
    ['with a trailing newline', { ...on, E2E_OAUTH_SIMULATION_KEY: `${key}\n` }],
    ['with one of Windows', { ...on, E2E_OAUTH_SIMULATION_KEY: `${key}\r\n` }],
    ['test on loopback', local],
    ['development on loopback', { ...local, HOLDFAST_ENV: 'development' }],
    ['hosted staging', { ...on, K_SERVICE: 'chat', GOOGLE_CLOUD_PROJECT: 'acme-staging' }],
    [
      'other projects are production',
      { ...on, GCP_PROJECT_ID: 'acme-stg', HOLDFAST_PRODUCTION_PROJECTS: 'acme-prod' },
    ],
    ['a previous key', { ...on, E2E_OAUTH_SIMULATION_KEY_PREVIOUS: other }],
    ['a file', { ...on, E2E_OAUTH_SIMULATION_KEY: '', E2E_OAUTH_SIMULATION_KEY_FILE: '/run/key' }],
    ['a secret', { ...on, E2E_OAUTH_SIMULATION_KEY: '', E2E_OAUTH_SIMULATION_KEY_SECRET: version }],
    ['a key here and the old one there', { ...on, E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS: version }],
  ])('it is on: %s', (_what, environment) => {
    expect(judge(environment)).toEqual([])
    const settings = readSettings(environment)
    expect(chooseSimulation(settings, detectTier(settings)).kind).toBe('on')
  })

  test('which key, from where, for which host', () => {
    const settings = readSettings({ ...on, E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS: '/run/old' })
    expect(chooseSimulation(settings, detectTier(settings))).toMatchObject({
      host: 'chat.staging.example.com',
      current: { kind: 'value', variable: 'E2E_OAUTH_SIMULATION_KEY' },
      previous: { kind: 'file', variable: 'E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS', path: '/run/old' },
    })
  })
})

test.each<[string, Record<string, string>]>([
  ['nothing is set', {}],
  ['production, nothing is set', { HOLDFAST_ENV: 'production', K_SERVICE: 'chat' }],
  [
    'all of it is empty',
    { HOLDFAST_ENV: 'production', E2E_SIMULATION_ENABLED: '', E2E_OAUTH_SIMULATION_KEY: '' },
  ],
  ['it is switched off by hand', { HOLDFAST_ENV: 'staging', E2E_SIMULATION_ENABLED: 'false' }],
  ['production projects alone', { HOLDFAST_ENV: 'production', HOLDFAST_PRODUCTION_PROJECTS: 'acme-prod' }],
])('it is off: %s', (_what, environment) => {
  const settings = readSettings(environment)
  expect(chooseSimulation(settings, detectTier(settings))).toEqual({ kind: 'off' })
})

const without = (name: keyof typeof on): Record<string, string> => ({ ...on, [name]: '' })

test.each<[string, Record<string, string>]>([
  ['E2E_SIMULATION_HOST', without('E2E_SIMULATION_HOST')],
  ['E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: 'chat.example.com' }],
  ['E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: 'https://chat.staging.example.com' }],
  ['E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: 'chat.staging.example.com/' }],
  ['E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: 'Chat.staging.example.com' }],
  ['E2E_SIMULATION_HOST', { ...on, E2E_SIMULATION_HOST: 'a@chat.staging.example.com' }],
  ['E2E_SIMULATION_HOST', { ...local, E2E_SIMULATION_HOST: 'chat.example.com' }],
  ['E2E_SIMULATION_ENABLED', without('E2E_SIMULATION_ENABLED')],
  ['E2E_SIMULATION_ENABLED', { ...on, E2E_SIMULATION_ENABLED: 'false' }],
  ['E2E_SIMULATION_ENABLED', { ...on, E2E_SIMULATION_ENABLED: 'yes' }],
  ['E2E_OAUTH_SIMULATION_KEY', without('E2E_OAUTH_SIMULATION_KEY')],
  ['E2E_OAUTH_SIMULATION_KEY', { ...on, E2E_OAUTH_SIMULATION_KEY: key.slice(1) }],
  ['E2E_OAUTH_SIMULATION_KEY', { ...on, E2E_OAUTH_SIMULATION_KEY: key.toUpperCase() }],
  ['E2E_OAUTH_SIMULATION_KEY', { ...on, E2E_OAUTH_SIMULATION_KEY: `${key}\n\n` }],
  ['E2E_OAUTH_SIMULATION_KEY', { ...on, E2E_OAUTH_SIMULATION_KEY: ` ${key}` }],
  ['E2E_OAUTH_SIMULATION_KEY', { ...on, E2E_OAUTH_SIMULATION_KEY: 'deadbeef'.repeat(8) }],
  ['E2E_OAUTH_SIMULATION_KEY_FILE', { ...on, E2E_OAUTH_SIMULATION_KEY_FILE: '/run/key' }],
  ['E2E_OAUTH_SIMULATION_KEY_SECRET', { ...on, E2E_OAUTH_SIMULATION_KEY_SECRET: version }],
  [
    'E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS',
    { ...on, E2E_OAUTH_SIMULATION_KEY_PREVIOUS: other, E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS: '/x' },
  ],
  ['E2E_OAUTH_SIMULATION_KEY_PREVIOUS', { ...on, E2E_OAUTH_SIMULATION_KEY_PREVIOUS: 'x' }],
  [
    'E2E_OAUTH_SIMULATION_KEY_SECRET',
    {
      ...without('E2E_OAUTH_SIMULATION_KEY'),
      E2E_OAUTH_SIMULATION_KEY_SECRET: 'projects/p/secrets/s/versions/latest',
    },
  ],
  [
    'E2E_OAUTH_SIMULATION_KEY_SECRET',
    {
      ...without('E2E_OAUTH_SIMULATION_KEY'),
      E2E_OAUTH_SIMULATION_KEY_SECRET: version,
      HOLDFAST_PRODUCTION_PROJECTS: 'x,acme-staging',
    },
  ],
])('it stops the boot, and %s is named: %j', (setting, environment) => {
  expect(judge(environment)).toEqual([setting])
  const settings = readSettings(environment)
  expect(() => chooseSimulation(settings, detectTier(settings))).toThrow(SettingError)
})

describe('where it must not be', () => {
  const variables = {
    E2E_SIMULATION_ENABLED: 'true',
    E2E_SIMULATION_HOST: 'x.example.com',
    E2E_OAUTH_SIMULATION_KEY: key,
    E2E_OAUTH_SIMULATION_KEY_FILE: '/run/key',
    E2E_OAUTH_SIMULATION_KEY_SECRET: version,
    E2E_OAUTH_SIMULATION_KEY_PREVIOUS: key,
    E2E_OAUTH_SIMULATION_KEY_FILE_PREVIOUS: '/run/key',
    E2E_OAUTH_SIMULATION_KEY_SECRET_PREVIOUS: version,
    E2E_SECRET_MANAGER_URL: 'http://127.0.0.1:9',
  }

  test.each<[string, Record<string, string>, RegExp]>([
    ['production', { HOLDFAST_ENV: 'production' }, /HOLDFAST_ENV says production/],
    ['a tier that nobody set', {}, /HOLDFAST_ENV is not set \(development is only assumed\)/],
    ['a tier that is only detected', { GCP_PROJECT_ID: 'acme-staging' }, /staging is only detected/],
    [
      'a project that is production',
      { HOLDFAST_ENV: 'staging', GCP_PROJECT_ID: 'acme-eu', HOLDFAST_PRODUCTION_PROJECTS: 'acme-eu' },
      /HOLDFAST_PRODUCTION_PROJECTS/,
    ],
    [
      'a project whose name says production',
      { HOLDFAST_ENV: 'staging', GOOGLE_CLOUD_PROJECT: 'prod-staging-clone' },
      /GOOGLE_CLOUD_PROJECT \(prod-staging-clone\) says production/,
    ],
    [
      'an address that says production',
      { HOLDFAST_ENV: 'test', HOLDFAST_AUTH_URL: 'https://login.prod.example.com' },
      /HOLDFAST_AUTH_URL/,
    ],
  ])('%s: any one variable of it stops the boot', (_what, environment, says) => {
    for (const [name, value] of Object.entries(variables)) {
      const settings = readSettings({ ...environment, [name]: value })
      const problems = simulationProblems(settings, detectTier(settings))
      expect(problems.map(({ setting }) => setting)).toEqual([name])
      expect(problems[0]?.message).toMatch(says)
      expect(problems[0]?.message).not.toContain(key)
    }
  })

  test('in production it need not even be switched on', () => {
    expect(judge({ HOLDFAST_ENV: 'production', E2E_SIMULATION_ENABLED: 'false' })).toEqual([
      'E2E_SIMULATION_ENABLED',
    ])
  })
})
