import { describe, expect, test } from 'vitest'
import { bootProblems } from './boot-rules.ts'
import { isLoopback } from './loopback.ts'
import { retryPolicies } from './retry-policy.ts'
import { readSettings, tiers } from './settings.ts'
import { describeTier, detectTier } from './tier.ts'

const detect = (environment: Record<string, string>) => detectTier(readSettings(environment))

type Row = readonly [expected: string, conflicts: number, environment: Record<string, string>]

const staging = 'https://staging.example.com'
const table: readonly Row[] = [
  // Nothing said: a laptop, or something that listens beyond itself.
  ['development (assumed)', 0, {}],
  ['development (assumed)', 0, { HOLDFAST_ENV: '' }],
  ['development (assumed)', 0, { HOLDFAST_HOST: 'localhost' }],
  ['development (assumed)', 0, { HOLDFAST_HOST: '::1' }],
  ['development (assumed)', 0, { HOLDFAST_HOST: '127.8.9.10' }],
  ['production (assumed)', 0, { HOLDFAST_HOST: '0.0.0.0' }],
  ['production (assumed)', 0, { HOLDFAST_HOST: '::' }],
  ['production (assumed)', 0, { HOLDFAST_HOST: '10.0.0.5' }],
  ['production (assumed)', 0, { HOLDFAST_HOST: 'localhost.evil.test' }],
  // Set explicitly.
  ['development (explicit)', 0, { HOLDFAST_ENV: 'development' }],
  ['test (explicit)', 0, { HOLDFAST_ENV: 'test', HOLDFAST_HOST: '0.0.0.0' }],
  ['staging (explicit)', 0, { HOLDFAST_ENV: 'staging' }],
  ['production (explicit)', 0, { HOLDFAST_ENV: 'production', K_SERVICE: 'chat' }],
  ['production (explicit)', 1, { HOLDFAST_ENV: 'production', HOLDFAST_PUBLIC_URL: staging }],
  ['staging (explicit)', 1, { HOLDFAST_ENV: 'staging', GOOGLE_CLOUD_PROJECT: 'acme-prod' }],
  ['development (explicit)', 1, { HOLDFAST_ENV: 'development', K_SERVICE: 'chat' }],
  ['test (explicit)', 1, { HOLDFAST_ENV: 'test', KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
  // Project ids: one whole label.
  ['staging (detected)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-staging' }],
  ['staging (detected)', 0, { GCP_PROJECT_ID: 'stg-acme' }],
  ['staging (detected)', 0, { GCP_PROJECT_ID: 'staging' }],
  ['staging (detected)', 0, { GCP_PROJECT_ID: 'acme-stg-7', K_SERVICE: 'chat', K_REVISION: 'chat-00001' }],
  ['staging (detected)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-staging', HOLDFAST_HOST: '0.0.0.0' }],
  ['production (assumed)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-prod' }],
  ['production (assumed)', 0, { GCP_PROJECT_ID: 'production-acme', K_SERVICE: 'chat' }],
  ['development (assumed)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-sandbox' }],
  ['development (assumed)', 0, { GOOGLE_CLOUD_PROJECT: 'prestaging' }],
  ['development (assumed)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-stagingdata' }],
  ['development (assumed)', 0, { GOOGLE_CLOUD_PROJECT: 'reproduction-lab' }],
  ['production (assumed)', 1, { GOOGLE_CLOUD_PROJECT: 'not-staging-prod' }],
  ['production (assumed)', 1, { GOOGLE_CLOUD_PROJECT: 'acme-staging', GCP_PROJECT_ID: 'acme-prod' }],
  ['staging (detected)', 0, { GOOGLE_CLOUD_PROJECT: 'acme-staging', GCP_PROJECT_ID: 'acme-tools' }],
  // Hosted without a vote, by each sign of a platform.
  ['production (assumed)', 0, { K_SERVICE: 'chat' }],
  ['production (assumed)', 0, { K_REVISION: 'chat-00001-abc' }],
  ['production (assumed)', 0, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
  ['production (assumed)', 0, { K_SERVICE: 'chat-staging' }],
  ['production (assumed)', 0, { K_SERVICE: 'chat', GOOGLE_CLOUD_PROJECT: 'acme-tools' }],
  // URLs: whole labels of the host, nothing else.
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: staging }],
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: 'https://chat.stg.example.com:8443/prod' }],
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: 'https://STAGING.example.com.' }],
  ['staging (detected)', 0, { HOLDFAST_AUTH_URL: 'https://login.staging.example.com/realms/prod' }],
  ['production (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://prod.example.com' }],
  ['development (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://example.com/?x=staging' }],
  ['development (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://example.com/staging/' }],
  ['development (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://example.com/#staging' }],
  ['development (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://staging@example.com/' }],
  ['development (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://api-staging.example.com' }],
  ['production (assumed)', 0, { HOLDFAST_PUBLIC_URL: 'https://example.com/?x=staging', K_SERVICE: 'chat' }],
  ['production (assumed)', 1, { HOLDFAST_PUBLIC_URL: 'https://staging.prod.example.com' }],
  [
    'production (assumed)',
    1,
    { HOLDFAST_PUBLIC_URL: staging, HOLDFAST_AUTH_URL: 'https://prod.example.com' },
  ],
  ['production (assumed)', 1, { HOLDFAST_PUBLIC_URL: staging, GOOGLE_CLOUD_PROJECT: 'acme-prod' }],
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: staging, GOOGLE_CLOUD_PROJECT: 'acme-stg' }],
  // Domains that are ours: a host outside them is no evidence, and a contradiction.
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: staging, HOLDFAST_PUBLIC_DOMAINS: 'example.com' }],
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: staging, HOLDFAST_PUBLIC_DOMAINS: 'x.org,EXAMPLE.com' }],
  ['staging (detected)', 0, { HOLDFAST_PUBLIC_URL: staging, HOLDFAST_PUBLIC_DOMAINS: 'staging.example.com' }],
  [
    'production (assumed)',
    1,
    { HOLDFAST_PUBLIC_URL: 'https://staging.example.com.evil.test', HOLDFAST_PUBLIC_DOMAINS: 'example.com' },
  ],
  [
    'production (assumed)',
    1,
    { HOLDFAST_PUBLIC_URL: 'https://staging.evilexample.com', HOLDFAST_PUBLIC_DOMAINS: 'example.com' },
  ],
  [
    'production (assumed)',
    1,
    {
      GOOGLE_CLOUD_PROJECT: 'acme-staging',
      HOLDFAST_AUTH_URL: 'https://staging.example.com.evil.test',
      HOLDFAST_PUBLIC_DOMAINS: 'example.com',
    },
  ],
]

describe('the tier', () => {
  test.each(table)('%s, %i conflicts: %j', (expected, conflicts, environment) => {
    const found = detect(environment)
    expect(`${found.tier} (${found.how})`).toBe(expected)
    expect(found.conflicts).toHaveLength(conflicts)
  })

  test('nothing but HOLDFAST_ENV makes it explicit [P2]', () => {
    for (const [, , environment] of table)
      expect(detect(environment).how === 'explicit').toBe(Boolean(environment['HOLDFAST_ENV']))
  })

  test('a host is shown, not the whole URL, which may carry a password', () => {
    const found = detect({ HOLDFAST_PUBLIC_URL: 'https://user:geheim@staging.example.com/?key=geheim' })
    expect(JSON.stringify(found)).not.toContain('geheim')
    expect(describeTier(found)).toBe('staging (detected), HOLDFAST_PUBLIC_URL (staging.example.com): staging')
  })

  test('the line names each piece of evidence and each conflict', () => {
    expect(describeTier(detect({}))).toBe('development (assumed), no platform seen')
    expect(describeTier(detect({ K_SERVICE: 'chat', GOOGLE_CLOUD_PROJECT: 'not-staging-prod' }))).toBe(
      'production (assumed), K_SERVICE (chat): hosted; ' +
        'GOOGLE_CLOUD_PROJECT (not-staging-prod): staging and production; in conflict: ' +
        'GOOGLE_CLOUD_PROJECT (not-staging-prod) says staging, GOOGLE_CLOUD_PROJECT (not-staging-prod) says production',
    )
  })
})

describe('what stops a boot', () => {
  const problems = (environment: Record<string, string>) => {
    const settings = readSettings(environment)
    return bootProblems(detectTier(settings), settings).map((problem) => problem.setting)
  }

  test.each([
    [[], {}],
    [[], { HOLDFAST_ENV: 'development' }],
    [[], { HOLDFAST_ENV: 'production', K_SERVICE: 'chat' }],
    [[], { K_SERVICE: 'chat' }],
    [['HOLDFAST_ENV'], { HOLDFAST_ENV: 'development', K_SERVICE: 'chat' }],
    [['HOLDFAST_ENV'], { HOLDFAST_ENV: 'test', KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    [['HOLDFAST_HOST'], { HOLDFAST_HOST: '0.0.0.0' }],
    [['HOLDFAST_HOST'], { HOLDFAST_HOST: '192.168.1.5', HOLDFAST_ENV: 'production' }],
    [['HOLDFAST_ENV', 'HOLDFAST_HOST'], { HOLDFAST_HOST: '::', HOLDFAST_ENV: 'test', K_REVISION: 'c-1' }],
  ])('%j: %j', (expected, environment) => {
    expect(problems(environment)).toEqual(expected)
  })
})

test.each([
  ['127.0.0.1', true],
  ['127.255.0.1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['::1', true],
  ['[::1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::', false],
  ['0.0.0.0', false],
  ['128.0.0.1', false],
  ['127.0.0.1.evil.test', false],
  ['127.1', false],
  ['localhost.evil.test', false],
  ['example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test('a deployment waits, a developer sees the first error', () => {
  expect(tiers.map((tier) => retryPolicies[tier].attempts)).toEqual([1, 1, 3, 3])
  expect(retryPolicies.production.baseMs).toBe(1_000)
})
