import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readSettings, SettingError, settingDescriptions, settingValues } from './settings.ts'

function refusal(environment: Record<string, string>): SettingError {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof SettingError) return error
  }
  throw new Error(`not refused: ${JSON.stringify(environment)}`)
}

test('without any variable every setting has its default', () => {
  expect(readSettings({})).toEqual({
    tier: null,
    admins: [],
    commit: null,
    githubStepSummary: null,
    imageDigest: null,
    models: [],
    openaiKey: null,
    openaiUrl: null,
    anthropicKey: null,
    anthropicUrl: null,
    googleKey: null,
    googleUrl: null,
    compatibleUrl: null,
    compatibleKey: null,
    modelSilenceSeconds: 180,
    agentModules: [],
    mcpServers: [],
    host: '127.0.0.1',
    port: 8080,
    role: 'all',
    dataDir: '.holdfast',
    databaseUrl: null,
    databaseConnections: 10,
    bus: null,
    natsUrl: null,
    files: null,
    s3Endpoint: null,
    s3Region: null,
    s3AccessKeyId: null,
    s3SecretAccessKey: null,
    fileCacheBytes: 4_294_967_296,
    retentionDays: null,
    publicUrl: null,
    authUrl: null,
    publicDomains: [],
    oidcIssuer: null,
    oidcClientId: null,
    oidcClientSecret: null,
    oidcScopes: 'openid profile email',
    apiAudience: null,
    messagesPerMinute: 60,
    tokensPerDay: 5_000_000,
    toolSecondsPerDay: 7_200,
    uploadBytesPerDay: 20 * 1024 ** 3,
    signInsPerMinute: 60,
    proxyHops: 0,
    logLevel: 'info',
    maxFileBytes: 1_073_741_824,
    productionProjects: [],
    simulationEnabled: null,
    simulationHost: null,
    simulationKey: null,
    simulationKeyFile: null,
    simulationKeySecret: null,
    simulationKeyPrevious: null,
    simulationKeyFilePrevious: null,
    simulationKeySecretPrevious: null,
    secretManagerUrl: null,
    token: null,
    platform: {
      K_SERVICE: null,
      K_REVISION: null,
      KUBERNETES_SERVICE_HOST: null,
      GOOGLE_CLOUD_PROJECT: null,
      GCP_PROJECT_ID: null,
    },
  })
})

test('an empty variable counts as unset, for every setting', () => {
  const names = settingDescriptions.flatMap((row) => row.names)
  expect(readSettings(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(readSettings({}))
})

test.each([
  ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://my.bucket-1/', { kind: 's3', bucket: 'my.bucket-1', prefix: '' }],
  ['s3://bucket/holdfast/prod/', { kind: 's3', bucket: 'bucket', prefix: 'holdfast/prod' }],
  ['/srv/files', { kind: 'directory', path: '/srv/files' }],
  ['shared files', { kind: 'directory', path: 'shared files' }],
])('HOLDFAST_FILES=%s is a place for files', (text, files) => {
  expect(readSettings({ HOLDFAST_FILES: text }).files).toEqual(files)
})

test.each([
  's3://',
  's3://UPPER',
  's3://bucket//x',
  's3://bucket/a b',
  'gs://bucket',
  'https://x.example',
  ' ',
])('HOLDFAST_FILES=%j is refused', (text) => {
  expect(refusal({ HOLDFAST_FILES: text }).message).toContain('s3://bucket/prefix')
})

test('values are read with their types', () => {
  const settings = readSettings({
    HOLDFAST_ENV: 'staging',
    HOLDFAST_HOST: '::1',
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA_DIR: 'data dir',
    HOLDFAST_DATABASE_URL: 'postgres://user:geheim@localhost/db',
    HOLDFAST_PUBLIC_URL: 'https://chat.example.com/x',
    HOLDFAST_PUBLIC_DOMAINS: 'Example.com, example.org',
    HOLDFAST_MAX_FILE_BYTES: '1000',
    HOLDFAST_LOG_LEVEL: 'debug',
    K_SERVICE: 'chat',
  })
  expect(settings).toMatchObject({
    tier: 'staging',
    host: '::1',
    port: 0,
    dataDir: 'data dir',
    publicDomains: ['example.com', 'example.org'],
    maxFileBytes: 1000,
    logLevel: 'debug',
  })
  expect(settings.publicUrl?.host).toBe('chat.example.com')
  expect(settings.databaseUrl?.reveal()).toBe('postgres://user:geheim@localhost/db')
  expect(settings.platform.K_SERVICE).toBe('chat')
})

test.each([
  [{ HOLDFAST_PORT: '9000', PORT: '8000' }, 9000],
  [{ PORT: '8000' }, 8000],
  [{ HOLDFAST_PORT: '', PORT: '8000' }, 8000],
])('HOLDFAST_PORT comes before PORT: %j', (environment, port) => {
  expect(readSettings(environment).port).toBe(port)
})

describe('a value that is not allowed is refused, naming the variable and never the value', () => {
  test.each([
    ['HOLDFAST_ENV', 'prod-9f3c'],
    ['HOLDFAST_ENV', 'Production'],
    ['HOLDFAST_ENV', ' production'],
    ['HOLDFAST_HOST', 'http://9f3c'],
    ['HOLDFAST_PORT', '65536'],
    ['HOLDFAST_PORT', '80.5'],
    ['HOLDFAST_PORT', '-81'],
    ['HOLDFAST_PORT', '0x51'],
    ['HOLDFAST_PORT', '1e3'],
    ['PORT', '9f3c'],
    ['HOLDFAST_DATA_DIR', '   '],
    ['HOLDFAST_DATABASE_URL', 'mysql://user:9f3c@host/db'],
    ['HOLDFAST_DATABASE_URL', 'geheim-9f3c'],
    ['HOLDFAST_PUBLIC_URL', 'chat.9f3c.example'],
    ['HOLDFAST_PUBLIC_URL', 'ftp://9f3c.example'],
    ['HOLDFAST_AUTH_URL', 'javascript:alert(9f3c)'],
    ['HOLDFAST_PUBLIC_DOMAINS', 'com'],
    ['HOLDFAST_PUBLIC_DOMAINS', '*.9f3c.com'],
    ['HOLDFAST_PUBLIC_DOMAINS', 'example.com,,9f3c.org'],
    ['HOLDFAST_LOG_LEVEL', 'verbose'],
    ['HOLDFAST_MAX_FILE_BYTES', '9f3c'],
    ['HOLDFAST_MAX_FILE_BYTES', '99999999999999999999'],
    ['HOLDFAST_TOKEN', 'two words 9f3c'],
  ])('%s=%s', (name, value) => {
    const error = refusal({ [name]: value })
    expect(error.setting).toBe(name)
    expect(error.message).toMatch(new RegExp(`^${name} must be .+\\. Change it, or unset it\\.$`))
    expect(inspect(error)).not.toContain('9f3c')
  })
})

test('secrets do not show in JSON, inspect or text', () => {
  const settings = readSettings({
    HOLDFAST_DATABASE_URL: 'postgres://user:geheim@localhost/db',
    HOLDFAST_TOKEN: 'geheim',
    E2E_OAUTH_SIMULATION_KEY: 'geheim',
    E2E_OAUTH_SIMULATION_KEY_PREVIOUS: 'geheim',
  })
  const shown = [
    JSON.stringify(settingValues(settings)),
    JSON.stringify(settings),
    inspect(settings, { depth: 9, showHidden: true }),
    `${String(settings.databaseUrl)} ${String(settings.token)}`,
  ].join('\n')
  expect(shown).not.toContain('geheim')
  expect(shown).toContain('[redacted]')
})

test('every setting has a sentence that ends', () => {
  for (const row of settingDescriptions) expect(row.sentence).toMatch(/^[A-Z].+\.$/)
})
