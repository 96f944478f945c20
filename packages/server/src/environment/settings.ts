/**
 * The one table of settings and the only reader of process.env.
 *
 * Traps the table keeps out: `''` counts as unset (many platforms set empty variables); numbers are parsed
 * from digits, because `z.coerce.number('')` is 0; a boolean would be `z.stringbool()`, because
 * `z.coerce.boolean('false')` is true. An error names the variable and what is allowed, never the value,
 * which may be a secret pasted into the wrong variable.
 */
import { z } from 'zod'
import { modelTable } from './model-settings.ts'
import { quotaTable } from './quota-settings.ts'
import { type Secret, secret } from './secret.ts'
import { directory, MiB, printable, type Setting, setting, wholeNumber } from './setting.ts'
import { signInTable } from './sign-in-settings.ts'
import { simulationTable } from './simulation-settings.ts'
import { storeTable } from './store-settings.ts'

export const tiers = ['development', 'test', 'staging', 'production'] as const
export type Tier = (typeof tiers)[number]

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
  ...storeTable,
  ...signInTable,
  ...modelTable,
  ...quotaTable,
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
    const value = withoutKeys(inWords(settings[key as keyof Table]))
    return { names, value, isDefault: value === inWords(fallback) }
  })
}

/** A simulation key in the wrong variable is still a key. The digest of an image has its form, and says so. */
const withoutKeys = (value: string): string =>
  /(?<!sha256:)[0-9a-f]{64}/i.test(value) ? '[redacted]' : value

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
