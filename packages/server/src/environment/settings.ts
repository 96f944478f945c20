/**
 * The one table of settings and the only reader of process.env.
 *
 * Traps the table keeps out: `''` counts as unset (many platforms set empty variables); numbers are parsed
 * from digits, because `z.coerce.number('')` is 0; a boolean would be `z.stringbool()`, because
 * `z.coerce.boolean('false')` is true. An error names the variable and what is allowed, never the value,
 * which may be a secret pasted into the wrong variable.
 */
import { UserId } from '@holdfast/protocol'
import { z } from 'zod'
import { type McpServer, mcpServers, mcpServersAllowed } from './mcp-setting.ts'
import { type Secret, secret } from './secret.ts'
import {
  directory,
  domains,
  type FilePlace,
  filePlace,
  MiB,
  natsUrls,
  postgresUrl,
  printable,
  type Setting,
  setting,
  webUrl,
  wholeNumber,
} from './setting.ts'
import { simulationTable } from './simulation-settings.ts'

export const tiers = ['development', 'test', 'staging', 'production'] as const
export type Tier = (typeof tiers)[number]

export const busKinds = ['in-process', 'postgres', 'nats'] as const
export type BusKind = (typeof busKinds)[number]

/** web: HTTP and sockets. worker: carries out runs. */
export const roles = ['all', 'web', 'worker'] as const
export type Role = (typeof roles)[number]

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** A setting that cannot be used; the command exits with 78 (EX_CONFIG). */
export class SettingError extends Error {
  override readonly name = 'SettingError'
  readonly setting: string

  constructor(setting: string, message: string) {
    super(message)
    this.setting = setting
  }
}

/** Whose model it is: the part of its name before the colon. `compatible`: whoever speaks OpenAI's chat completions. */
export const modelProviders = ['openai', 'anthropic', 'google', 'compatible'] as const
export type ModelProvider = (typeof modelProviders)[number]

/** What stands for the built-in rules among models. */
export const offlineName = 'offline'

const modelNames = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(
    z
      .array(z.string().regex(/^(offline|(openai|anthropic|google|compatible):[\x21-\x2b\x2d-\x7e]{1,150})$/))
      .max(8)
      .refine((names) => new Set(names).size === names.length),
  )

const apiKey = printable.transform(secret).nullable()
const keyAllowed = 'a key as the provider gave it: printable characters without spaces'
// Credentials in a URL would be shown wherever the URL is.
const apiUrl = webUrl.refine((url) => url === null || (url.username === '' && url.password === ''))
const apiUrlAllowed = 'a URL that begins with http:// or https://, without user and password'

/** Counted only where people sign in with a provider: on one's own machine nobody is limited. */
function quota(name: string, fallback: number, sentence: string): Setting<number> {
  const most = 2 ** 49
  return setting<number>({
    names: [name],
    parser: wholeNumber(0, most),
    fallback,
    allowed: `a whole number from 0 to ${most}`,
    sentence,
  })
}

const table = {
  tier: setting<Tier | null>({
    names: ['HOLDFAST_ENV'],
    parser: z.enum(tiers).nullable(),
    fallback: null,
    allowed: `one of ${tiers.join(', ')}`,
    sentence: 'The tier. Unset: detected from the platform; what is detected sets patience, never privilege.',
  }),
  host: setting<string>({
    names: ['HOLDFAST_HOST'],
    parser: z.string().regex(/^[A-Za-z0-9.:-]+$/),
    fallback: '127.0.0.1',
    allowed: 'a host name or an address to listen on, such as 127.0.0.1',
    sentence: 'The address to listen on.',
  }),
  port: setting<number>({
    names: ['HOLDFAST_PORT', 'PORT'],
    parser: wholeNumber(0, 65_535),
    fallback: 8080,
    allowed: 'a whole number from 0 to 65535 (0: any free port)',
    sentence: 'The port to listen on; 0 takes any free one.',
  }),
  role: setting<Role>({
    names: ['HOLDFAST_ROLE'],
    parser: z.enum(roles),
    fallback: 'all',
    allowed: `one of ${roles.join(', ')}`,
    sentence:
      'What this server does: web answers people and carries out no run, worker carries out runs and answers about its health only. Both need HOLDFAST_DATABASE_URL and HOLDFAST_FILES.',
  }),
  dataDir: setting<string>({
    names: ['HOLDFAST_DATA_DIR'],
    parser: directory,
    fallback: '.holdfast',
    allowed: 'a directory',
    sentence:
      'Where the database (without HOLDFAST_DATABASE_URL), files (without HOLDFAST_FILES) and caches are kept.',
  }),
  databaseUrl: setting<Secret | null>({
    names: ['HOLDFAST_DATABASE_URL'],
    parser: postgresUrl,
    fallback: null,
    allowed: 'a URL that begins with postgres:// or postgresql://',
    sentence: 'The PostgreSQL to use. Unset: a database inside the data directory, for one process.',
    secret: true,
  }),
  databaseConnections: setting<number>({
    names: ['HOLDFAST_DATABASE_CONNECTIONS'],
    parser: wholeNumber(2, 1_000),
    fallback: 10,
    allowed: 'a whole number from 2 to 1000',
    sentence:
      'The most connections that this node opens to PostgreSQL for its work; the bus and the leases take one more each. All nodes together stay below the max_connections of the server.',
  }),
  bus: setting<BusKind | null>({
    names: ['HOLDFAST_BUS'],
    parser: z.enum(busKinds).nullable(),
    fallback: null,
    allowed: `one of ${busKinds.join(', ')}`,
    sentence:
      'What carries hints between nodes. Unset: nats with HOLDFAST_NATS_URL, else postgres with HOLDFAST_DATABASE_URL, else in-process.',
  }),
  natsUrl: setting<Secret | null>({
    names: ['HOLDFAST_NATS_URL'],
    parser: natsUrls,
    fallback: null,
    allowed: 'a URL that begins with nats:// or tls://, or several with commas between them',
    sentence: 'The NATS that carries hints between nodes; user:password@ or token@ before the host.',
    secret: true,
  }),
  files: setting<FilePlace | null>({
    names: ['HOLDFAST_FILES'],
    parser: filePlace.nullable(),
    fallback: null,
    allowed: 'a directory, or s3://bucket or s3://bucket/prefix',
    sentence:
      'Where uploads and artifacts are kept, the same for all servers of one database. Unset: in the data directory.',
  }),
  s3Endpoint: setting<URL | null>({
    names: ['HOLDFAST_S3_ENDPOINT'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'The S3-compatible store that HOLDFAST_FILES is in. Unset: that of AWS.',
  }),
  s3Region: setting<string | null>({
    names: ['HOLDFAST_S3_REGION'],
    parser: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .nullable(),
    fallback: null,
    allowed: 'the name of a region, such as eu-central-1',
    sentence: 'The region of the bucket. Unset: as the AWS SDK finds it.',
  }),
  s3AccessKeyId: setting<Secret | null>({
    names: ['HOLDFAST_S3_ACCESS_KEY_ID'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'an access key: printable characters without spaces',
    sentence:
      'The access key for the bucket. Unset: as the AWS SDK finds it, such as the role of the machine.',
    secret: true,
  }),
  s3SecretAccessKey: setting<Secret | null>({
    names: ['HOLDFAST_S3_SECRET_ACCESS_KEY'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'the secret of the access key: printable characters without spaces',
    sentence: 'The secret that belongs to HOLDFAST_S3_ACCESS_KEY_ID.',
    secret: true,
  }),
  fileCacheBytes: setting<number>({
    names: ['HOLDFAST_FILE_CACHE_BYTES'],
    parser: wholeNumber(0, 1024 * 1024 * MiB),
    fallback: 4096 * MiB,
    allowed: `a whole number of bytes from 0 to ${1024 * 1024 * MiB}`,
    sentence:
      'What one server keeps in its data directory of uploads that it fetched, and as much again of tables made of them.',
  }),
  retentionDays: setting<number | null>({
    names: ['HOLDFAST_RETENTION_DAYS'],
    parser: wholeNumber(1, 36_500).nullable(),
    fallback: null,
    allowed: 'a whole number of days from 1 to 36500',
    sentence:
      'A thread in which nothing happened for so many days is deleted with its files. Unset: kept for ever.',
  }),
  publicUrl: setting<URL | null>({
    names: ['HOLDFAST_PUBLIC_URL'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'Where browsers reach this server; evidence for the tier.',
  }),
  authUrl: setting<URL | null>({
    names: ['HOLDFAST_AUTH_URL'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'Where people sign in; evidence for the tier.',
  }),
  publicDomains: setting<readonly string[]>({
    names: ['HOLDFAST_PUBLIC_DOMAINS'],
    parser: domains,
    fallback: [],
    allowed: 'domains with commas between them, such as example.com,example.org',
    sentence: 'Domains that are yours. When set, a URL outside them is no evidence for a tier.',
  }),
  oidcIssuer: setting<URL | null>({
    names: ['HOLDFAST_OIDC_ISSUER'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with https://',
    sentence:
      'The OpenID Connect provider that people sign in with. Unset: local mode, on this machine only. http:// on loopback only, and never in production.',
  }),
  oidcClientId: setting<string | null>({
    names: ['HOLDFAST_OIDC_CLIENT_ID'],
    parser: printable.nullable(),
    fallback: null,
    allowed: 'the client id that the provider gave: printable characters without spaces',
    sentence:
      'What the provider knows this server as. Its redirect address there is HOLDFAST_PUBLIC_URL and /auth/callback.',
  }),
  oidcClientSecret: setting<Secret | null>({
    names: ['HOLDFAST_OIDC_CLIENT_SECRET'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'the client secret that the provider gave: printable characters without spaces',
    sentence: 'Unset: a public client, by PKCE alone.',
    secret: true,
  }),
  oidcScopes: setting<string>({
    names: ['HOLDFAST_OIDC_SCOPES'],
    parser: z.string().regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/),
    fallback: 'openid profile email',
    allowed: 'openid, and further scopes with single spaces between them',
    sentence: 'What is asked of the provider about a user.',
  }),
  apiAudience: setting<string | null>({
    names: ['HOLDFAST_API_AUDIENCE'],
    parser: printable.nullable(),
    fallback: null,
    allowed: 'the audience of access tokens for this server: printable characters without spaces',
    sentence:
      'Access tokens (JWT) of the provider with this audience are accepted as bearer tokens. Unset: none are.',
  }),
  admins: setting<readonly UserId[]>({
    names: ['HOLDFAST_ADMINS'],
    parser: z
      .string()
      .transform((text) => text.split(',').map((id) => id.trim()))
      .pipe(z.array(UserId)),
    fallback: [],
    allowed: 'user ids with commas between them, such as usr_01KB5S8M5QZ4J6F0V6R8H0W3ZC',
    sentence:
      'Users who may see the operations page once they have signed in (`holdfast users` lists ids). The one user of local mode always may.',
  }),
  models: setting<readonly string[]>({
    names: ['HOLDFAST_MODEL'],
    parser: modelNames,
    fallback: [],
    allowed:
      'offline, or a model such as openai:gpt-5, anthropic:claude-sonnet-4-5, google:gemini-2.5-pro or compatible:name, or up to 8 of these with commas between them',
    sentence:
      'What answers where a message names no model. Of several, each takes over where those before it failed. Unset: offline, which is built-in rules and no language model.',
  }),
  openaiKey: setting<Secret | null>({
    names: ['HOLDFAST_OPENAI_API_KEY', 'OPENAI_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with openai:.',
    secret: true,
  }),
  openaiUrl: setting<URL | null>({
    names: ['HOLDFAST_OPENAI_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where OpenAI is asked. Unset: https://api.openai.com/v1.',
  }),
  anthropicKey: setting<Secret | null>({
    names: ['HOLDFAST_ANTHROPIC_API_KEY', 'ANTHROPIC_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with anthropic:.',
    secret: true,
  }),
  anthropicUrl: setting<URL | null>({
    names: ['HOLDFAST_ANTHROPIC_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where Anthropic is asked. Unset: https://api.anthropic.com/v1.',
  }),
  googleKey: setting<Secret | null>({
    names: ['HOLDFAST_GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with google:.',
    secret: true,
  }),
  googleUrl: setting<URL | null>({
    names: ['HOLDFAST_GOOGLE_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where Google is asked. Unset: https://generativelanguage.googleapis.com/v1beta.',
  }),
  compatibleUrl: setting<URL | null>({
    names: ['HOLDFAST_COMPATIBLE_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence:
      'Where models that begin with compatible: are asked: the part of the address before /chat/completions, such as http://127.0.0.1:11434/v1.',
  }),
  compatibleKey: setting<Secret | null>({
    names: ['HOLDFAST_COMPATIBLE_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for HOLDFAST_COMPATIBLE_BASE_URL. Unset: none is sent.',
    secret: true,
  }),
  modelSilenceSeconds: setting<number>({
    names: ['HOLDFAST_MODEL_SILENCE_SECONDS'],
    parser: wholeNumber(1, 1_800),
    fallback: 180,
    allowed: 'a whole number from 1 to 1800',
    sentence: 'A language model that says nothing for so many seconds is given up.',
  }),
  agentModules: setting<readonly string[]>({
    names: ['HOLDFAST_AGENTS'],
    parser: z
      .string()
      .transform((text) => text.split(',').map((path) => path.trim()))
      .pipe(z.array(directory).max(32)),
    fallback: [],
    allowed: 'files with commas between them, such as ./my-agent.ts',
    sentence:
      'Modules with agents and tools of your own, which export agents and tools; read at the start, with all the rights of this server. See docs/agents.md.',
  }),
  mcpServers: setting<readonly McpServer[]>({
    names: ['HOLDFAST_MCP_SERVERS'],
    parser: mcpServers,
    fallback: [],
    allowed: mcpServersAllowed,
    sentence:
      'Servers of tools (Model Context Protocol over HTTP) whose tools language models may call. A tool has an effect, and asks the user first, unless effects says otherwise.',
    secret: true,
  }),
  messagesPerMinute: quota('HOLDFAST_MESSAGES_PER_MINUTE', 60, 'Messages a user may send in a minute.'),
  tokensPerDay: quota(
    'HOLDFAST_TOKENS_PER_DAY',
    5_000_000,
    'Tokens of language models that a user may use up in a day (UTC).',
  ),
  toolSecondsPerDay: quota(
    'HOLDFAST_TOOL_SECONDS_PER_DAY',
    7_200,
    'Seconds that the tools of a user may work in a day (UTC).',
  ),
  uploadBytesPerDay: quota(
    'HOLDFAST_UPLOAD_BYTES_PER_DAY',
    20 * 1024 * MiB,
    'Bytes that a user may upload in a day (UTC).',
  ),
  signInsPerMinute: quota(
    'HOLDFAST_SIGN_INS_PER_MINUTE',
    60,
    'Tries to sign in that one address may make in a minute.',
  ),
  proxyHops: setting<number>({
    names: ['HOLDFAST_PROXY_HOPS'],
    parser: wholeNumber(0, 10),
    fallback: 0,
    allowed: 'a whole number from 0 to 10',
    sentence:
      'Proxies of yours before this server. Clients are then told apart by X-Forwarded-For, which is not believed otherwise.',
  }),
  commit: setting<string | null>({
    names: ['HOLDFAST_COMMIT'],
    parser: z
      .string()
      .regex(/^[0-9a-f]{7,40}$/)
      .nullable(),
    fallback: null,
    allowed: 'a git commit: 7 to 40 lowercase hexadecimal digits',
    sentence:
      'The commit this server was built from; shown at /version, so that a proof knows what it proved.',
  }),
  imageDigest: setting<string | null>({
    names: ['HOLDFAST_IMAGE_DIGEST'],
    parser: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .nullable(),
    fallback: null,
    allowed: 'the digest of an image: sha256: and 64 lowercase hexadecimal digits',
    sentence: 'The image this server runs from; shown at /version.',
  }),
  logLevel: setting<LogLevel>({
    names: ['HOLDFAST_LOG_LEVEL'],
    parser: z.enum(logLevels),
    fallback: 'info',
    allowed: `one of ${logLevels.join(', ')}`,
    sentence: 'The least important lines that are written to standard error.',
  }),
  maxFileBytes: setting<number>({
    names: ['HOLDFAST_MAX_FILE_BYTES'],
    parser: wholeNumber(1, 64 * 1024 * MiB),
    fallback: 1024 * MiB,
    allowed: `a whole number of bytes from 1 to ${64 * 1024 * MiB}`,
    sentence: 'The largest file that is accepted, in bytes, before and after unpacking.',
  }),
  githubStepSummary: setting<string | null>({
    names: ['GITHUB_STEP_SUMMARY'],
    parser: directory.nullable(),
    fallback: null,
    allowed: 'a file',
    sentence:
      'Where GitHub Actions takes the summary of a step from; `holdfast prove --github` appends to it.',
  }),
  ...simulationTable,
  token: setting<Secret | null>({
    names: ['HOLDFAST_TOKEN'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'a token as it was shown: printable characters without spaces',
    sentence: 'The token that `holdfast ask --url` and `holdfast prove` send.',
    secret: true,
  }),
} as const satisfies Record<string, Setting<never> | Setting<unknown>>

/** What a platform sets by itself: evidence for the tier, not settings of ours. */
const platformNames = [
  'K_SERVICE',
  'K_REVISION',
  'KUBERNETES_SERVICE_HOST',
  'GOOGLE_CLOUD_PROJECT',
  'GCP_PROJECT_ID',
] as const
export type PlatformName = (typeof platformNames)[number]
export type Platform = { readonly [Name in PlatformName]: string | null }

type Table = typeof table
export type Settings = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value : never
} & { readonly platform: Platform }

export type Environment = Readonly<Record<string, string | undefined>>

function read<Value>(environment: Environment, row: Setting<Value>): Value {
  const name = row.names.find((candidate) => given(environment, candidate) !== null)
  if (name === undefined) return row.fallback
  const parsed = row.parser.safeParse(given(environment, name))
  if (parsed.success) return parsed.data
  throw new SettingError(name, `${name} must be ${row.allowed}. Change it, or unset it.`)
}

const given = (environment: Environment, name: string): string | null => environment[name] || null

/** @throws {SettingError} for the first setting, in the order of the table, that cannot be used */
export function readSettings(environment: Environment = process.env): Settings {
  const values = Object.fromEntries(
    Object.entries(table).map(([key, row]) => [key, read(environment, row as Setting<unknown>)]),
  )
  const platform = Object.fromEntries(platformNames.map((name) => [name, given(environment, name)]))
  // The rows give each key its type; Object.fromEntries only forgets which.
  return { ...values, platform } as Settings
}

export interface SettingValue {
  readonly names: readonly string[]
  /** As a person may read it; a secret shows as `[redacted]`. */
  readonly value: string
  readonly isDefault: boolean
}

/** What each row of the table is here, for `holdfast doctor`. */
export function settingValues(settings: Settings): readonly SettingValue[] {
  return Object.entries(table).map(([key, { names, fallback }]) => {
    const value = inWords(settings[key as keyof Table])
    return { names, value, isDefault: value === inWords(fallback) }
  })
}

const inWords = (value: unknown): string => {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'unset'
  // A URL may carry a password.
  if (value instanceof URL) return value.host
  return typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, 'kind')
    ? JSON.stringify(value)
    : String(value)
}

export interface SettingDescription {
  readonly names: readonly string[]
  readonly fallback: string
  readonly allowed: string
  readonly sentence: string
  readonly secret: boolean
}

/** The table as text, for `--help` and the reference page. */
export const settingDescriptions: readonly SettingDescription[] = Object.values(table).map(
  ({ names, fallback, allowed, sentence, secret: isSecret }) => ({
    names,
    fallback: fallback === null || String(fallback) === '' ? 'unset' : String(fallback),
    allowed,
    sentence,
    secret: isSecret,
  }),
)
