import { describe, expect, test } from 'vitest'
import { type Environment, readSettings } from './settings.ts'
import { chooseSignIn, signInProblems } from './sign-in-choice.ts'
import { detectTier } from './tier.ts'

const complete = {
  HOLDFAST_OIDC_ISSUER: 'https://id.example.com',
  HOLDFAST_OIDC_CLIENT_ID: 'holdfast',
  HOLDFAST_PUBLIC_URL: 'https://chat.example.com',
  HOLDFAST_HOST: '0.0.0.0',
}
const loopback = {
  ...complete,
  HOLDFAST_OIDC_ISSUER: 'http://127.0.0.1:9000',
  HOLDFAST_PUBLIC_URL: 'http://localhost:8080',
  HOLDFAST_HOST: '127.0.0.1',
}
const named = (environment: Environment): readonly string[] => {
  const settings = readSettings(environment)
  return signInProblems(settings, detectTier(settings)).map(({ setting }) => setting)
}

describe('a server starts', () => {
  test.each<[string, Environment]>([
    ['in local mode on loopback', {}],
    ['in local mode in every tier', { HOLDFAST_ENV: 'production' }],
    ['with a provider, for everybody', complete],
    ['with a provider and an audience', { ...complete, HOLDFAST_API_AUDIENCE: 'https://api.example.com' }],
    ['with a provider on loopback in development', { ...loopback, HOLDFAST_ENV: 'development' }],
    ['with a provider on loopback in staging', { ...loopback, HOLDFAST_ENV: 'staging' }],
  ])('%s', (_how, environment) => {
    expect(named(environment)).toEqual([])
  })
})

describe('a server does not start', () => {
  test.each<[string, Environment, ...string[]]>([
    ['for everybody without a provider', { HOLDFAST_HOST: '0.0.0.0' }, 'HOLDFAST_HOST'],
    ['with a client and no provider', { HOLDFAST_OIDC_CLIENT_ID: 'x' }, 'HOLDFAST_OIDC_ISSUER'],
    ['with a secret and no provider', { HOLDFAST_OIDC_CLIENT_SECRET: 'x' }, 'HOLDFAST_OIDC_ISSUER'],
    ['with an audience and no provider', { HOLDFAST_API_AUDIENCE: 'x' }, 'HOLDFAST_OIDC_ISSUER'],
    [
      'with a provider alone',
      { HOLDFAST_OIDC_ISSUER: 'https://id.example.com' },
      'HOLDFAST_OIDC_CLIENT_ID',
      'HOLDFAST_PUBLIC_URL',
    ],
    [
      'with an http provider elsewhere',
      { ...loopback, HOLDFAST_ENV: 'development', HOLDFAST_OIDC_ISSUER: 'http://id.example.com' },
      'HOLDFAST_OIDC_ISSUER',
    ],
    [
      'with an http provider whose name begins like loopback',
      { ...loopback, HOLDFAST_ENV: 'development', HOLDFAST_OIDC_ISSUER: 'http://127.0.0.1.evil.test' },
      'HOLDFAST_OIDC_ISSUER',
    ],
    [
      'with http in production',
      { ...loopback, HOLDFAST_ENV: 'production' },
      'HOLDFAST_OIDC_ISSUER',
      'HOLDFAST_PUBLIC_URL',
    ],
    [
      '[P2] with http where development is only assumed',
      loopback,
      'HOLDFAST_OIDC_ISSUER',
      'HOLDFAST_PUBLIC_URL',
    ],
    [
      'with a public address that is http',
      { ...complete, HOLDFAST_ENV: 'staging', HOLDFAST_PUBLIC_URL: 'http://chat.example.com' },
      'HOLDFAST_PUBLIC_URL',
    ],
    [
      'under a path of another site',
      { ...complete, HOLDFAST_PUBLIC_URL: 'https://example.com/chat' },
      'HOLDFAST_PUBLIC_URL',
    ],
    ['with ID tokens as keys', { ...complete, HOLDFAST_API_AUDIENCE: 'holdfast' }, 'HOLDFAST_API_AUDIENCE'],
  ])('%s', (_how, environment, ...settings) => {
    expect(named(environment)).toEqual(settings)
  })
})

test('the choice holds what is set, and the secret stays one', () => {
  const settings = readSettings({ ...complete, HOLDFAST_OIDC_CLIENT_SECRET: 'hunter2' })
  const choice = chooseSignIn(settings, detectTier(settings))
  expect(choice).toMatchObject({
    kind: 'provider',
    clientId: 'holdfast',
    scopes: 'openid profile email',
    audience: null,
    allowHttp: false,
  })
  expect(JSON.stringify(choice)).not.toContain('hunter2')
})
