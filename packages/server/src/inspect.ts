import { access, constants, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { limits } from '@holdfast/protocol'
import pg from 'pg'
import { bootProblems } from './environment/boot-rules.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import { SettingError, type Settings, settingValues } from './environment/settings.ts'
import { chooseSimulation, simulationProblems, simulationVariables } from './environment/simulation-choice.ts'
import { describeTier, detectTier, type TierDetection } from './environment/tier.ts'
import { type Finding, fine, notice, stops } from './finding.ts'
import { inspectOthers } from './inspect-others.ts'
import { s3Options } from './open-blobs.ts'
import { lockDirectory, StoreLockedError } from './store/directory-lock.ts'
import { openS3Blobs } from './workspace/s3-blobs.ts'

/** Looks at what a boot would need and changes nothing: no directory is made, no migration runs. */
export async function inspectBoot(settings: Settings): Promise<readonly Finding[]> {
  const store =
    settings.databaseUrl === null
      ? await inspectPglite(settings.dataDir)
      : [await inspectPostgres(settings.databaseUrl.reveal())]
  return [
    ...inspectTier(settings),
    inspectSettings(settings),
    inspectRetries(settings),
    ...(await inspectSimulation(settings)),
    await inspectAddress(settings),
    await inspectDirectory('data directory', settings.dataDir, 'HOLDFAST_DATA_DIR or --data-dir'),
    ...(await inspectFiles(settings)),
    ...store,
    ...(await inspectOthers(settings)),
    inspectModels(settings),
    fine(
      'limits',
      `a file ${settings.maxFileBytes} bytes, ${limits.filesPerMessage} files and ${limits.messageTextBytes} characters a message, an event ${limits.eventBytes} bytes`,
    ),
  ]
}

function inspectTier(settings: Settings): readonly Finding[] {
  const detection = detectTier(settings)
  const problems = bootProblems(detection, settings).map(({ setting, message }) => stops(setting, message))
  const state = detection.conflicts.length > 0 ? 'notice' : 'fine'
  return [
    { name: 'tier', state, says: describeTier(detection) },
    ...problems,
    ...inspectProxies(detection, settings),
  ]
}

/** Whoever hosts a process stands before it. */
function inspectProxies({ evidence }: TierDetection, { proxyHops, role }: Settings): readonly Finding[] {
  const [platform] = evidence.filter(({ hosted }) => hosted)
  if (platform === undefined || proxyHops > 0 || role === 'worker') return []
  return [
    notice(
      'proxies',
      `HOLDFAST_PROXY_HOPS is 0, and ${platform.source} says that this is a hosted platform: all clients count as one ` +
        'address, which tries to sign in and blocks for wrong ones are counted by. Set it to the number of its proxies',
    ),
  ]
}

/** Only what somebody set: the rest stands on the settings page. */
function inspectSettings(settings: Settings): Finding {
  const set = settingValues(settings).filter(({ isDefault }) => !isDefault)
  const words = set.map(({ names, value }) => `${names[0]} ${value}`)
  return fine('settings', words.length === 0 ? 'all at their defaults' : words.join('; '))
}

function inspectRetries(settings: Settings): Finding {
  const { attempts, baseMs } = retryPolicies[detectTier(settings).tier]
  return fine(
    'retries',
    attempts === 1
      ? 'none: connecting is tried once'
      : `connecting is tried ${attempts} times, at random from 0 to ${baseMs / 1000} s apart, then twice that`,
  )
}

/** By which keys tests sign in, by their ids, and where each was read from. */
async function inspectSimulation(settings: Settings): Promise<readonly Finding[]> {
  const name = 'E2E simulation'
  const set = simulationVariables(settings)
  if (set.length === 0) return [fine(name, 'off, and no variable of it is set')]
  const detection = detectTier(settings)
  // What is wrong stands beside the tier already, each with its variable.
  if (simulationProblems(settings, detection).length > 0)
    return [{ name, state: 'notice', says: `set: ${set.join(', ')}` }]
  const choice = chooseSimulation(settings, detection)
  if (choice.kind === 'off') return [fine(name, 'off by E2E_SIMULATION_ENABLED')]
  try {
    const { readSimulationKeys } = await import('./environment/simulation-keys.ts')
    const { secretManagerUrl } = settings
    const policy = retryPolicies.development
    const keys = await readSimulationKeys(choice, { secretManagerUrl, policy, logger: undefined })
    const shown = keys.map(({ id, variable }) => `key ${id} (${variable})`)
    return [{ name, state: 'notice', says: `on for ${choice.host}, by ${shown.join(' and ')}` }]
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    return [stops(error.setting, error.message)]
  }
}

/** Listens for a moment: nothing else tells whether a boot could. */
async function inspectAddress({ host, port }: Settings): Promise<Finding> {
  const { promise, resolve: answer } = Promise.withResolvers<Finding>()
  const probe = createServer()
  probe.on('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be used (${error.code})`
    answer(stops('address', `${host} port ${port} ${why}. Choose another with HOLDFAST_PORT or --port.`))
  })
  probe.listen({ host, port }, () => {
    probe.close(() =>
      answer(fine('address', port === 0 ? `${host}, any free port` : `${host} port ${port} is free`)),
    )
  })
  return promise
}

/** The nearest directory above that exists: where a boot would make the missing ones. */
async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path)
    return path
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    return nearestExisting(parent)
  }
}

async function inspectDirectory(name: string, directory: string, setting: string): Promise<Finding> {
  const path = resolve(directory)
  try {
    const found = await nearestExisting(path)
    if (!(await stat(found)).isDirectory())
      return stops(name, `${found} is not a directory. Choose another with ${setting}.`)
    await access(found, constants.W_OK | constants.X_OK)
    return fine(name, found === path ? path : `${path}, which the first start makes`)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return stops(name, `${path} cannot be used (${code}). Choose another with ${setting}.`)
  }
}

/** Nothing to say where they are in the data directory. */
async function inspectFiles(settings: Settings): Promise<readonly Finding[]> {
  const { files } = settings
  if (files === null) return []
  if (files.kind === 'directory') return [await inspectDirectory('files', files.path, 'HOLDFAST_FILES')]
  try {
    await using _blobs = await openS3Blobs(s3Options(files, settings))
    return [fine('files', `s3://${files.bucket}/${files.prefix} can be listed`)]
  } catch (error) {
    return [stops('files', error instanceof Error ? error.message : String(error))]
  }
}

async function inspectPglite(dataDir: string): Promise<readonly Finding[]> {
  const store = fine(
    'store',
    'PGlite in the data directory, for one process; survives a crash of the process, not a loss of power',
  )
  const directory = join(dataDir, 'store')
  const exists = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!exists) return [store, fine('lock', 'free')]
  try {
    using _lock = lockDirectory(directory)
    return [store, fine('lock', 'free')]
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    const says = error.pid === null ? error.message : `held by pid ${error.pid}. ${error.message}`
    return [store, stops('lock', says)]
  }
}

const databaseMs = 5_000
/** The oldest PostgreSQL that is tested, as server_version_num. */
const oldestPostgres = 150_000

async function inspectPostgres(connectionString: string): Promise<Finding> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: databaseMs,
    query_timeout: databaseMs,
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    )
    const version = rows[0]?.version ?? 0
    if (version < oldestPostgres)
      return stops('store', `PostgreSQL ${Math.floor(version / 10_000)} is too old; use 15 or newer.`)
    return fine(
      'store',
      `PostgreSQL ${Math.floor(version / 10_000)} (HOLDFAST_DATABASE_URL), for many processes; survives a loss of power`,
    )
  } catch (error) {
    const why = error instanceof Error ? error.message || String(Reflect.get(error, 'code')) : String(error)
    return stops('store', `PostgreSQL at HOLDFAST_DATABASE_URL cannot be used: ${why}`)
  } finally {
    await client.end()
  }
}

function inspectModels({ models }: Settings): Finding {
  const asked = models.length === 0 ? 'offline' : models.join(', then ')
  return fine('models', `${asked}; offline is built-in rules: no language model, no key, no network`)
}
