import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileInfo, systemIdMaker, type ThreadId, type UserId } from '@holdfast/protocol'
import { dataHelper, dataHelperTools } from './agents/data-helper/data-helper.ts'
import type { AgentDefinition } from './agents/define-agent.ts'
import { createRegistry } from './agents/registry.ts'
import type { Authenticator } from './auth/authenticator.ts'
import {
  type IdentityProvider,
  ProviderRefusedError,
  ProviderUnreachableError,
} from './auth/identity-provider.ts'
import { writeLocalAccess } from './auth/local-access.ts'
import type { LocalMode } from './auth/local-mode.ts'
import { localUserId } from './auth/local-user.ts'
import { type Auth, type AuthOptions, openLocalAuth, openProviderAuth } from './auth/open-auth.ts'
import { noQuotas, type QuotaLimits } from './auth/quotas.ts'
import type { SignIn } from './auth/sign-in.ts'
import type { Bus } from './bus/bus.ts'
import { createInProcessBus } from './bus/in-process-bus.ts'
import { openPostgresBus } from './bus/postgres-bus.ts'
import { bootProblems } from './environment/boot-rules.ts'
import { type BusChoice, chooseBus } from './environment/bus-choice.ts'
import { placementProblems } from './environment/placement.ts'
import { retry } from './environment/retry.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import { SettingError, type Settings, type Tier } from './environment/settings.ts'
import { chooseSignIn, type SignInChoice } from './environment/sign-in-choice.ts'
import type { TierDetection } from './environment/tier.ts'
import { detectTier } from './environment/tier.ts'
import { createHttpServer } from './http/server.ts'
import { headOf } from './log/commit-listeners.ts'
import { createThreads } from './log/create-threads.ts'
import { createLifecycleLog } from './log/lifecycle-log.ts'
import { createEventLog } from './log/sql-event-log.ts'
import { createModelManager, type ModelManager } from './models/model-manager.ts'
import { openBlobs } from './open-blobs.ts'
import { openRealtime } from './realtime/realtime.ts'
import { createRuns } from './runs/create-runs.ts'
import type { OpenHeartbeat } from './runs/heartbeat.ts'
import { threadHeartbeat } from './runs/thread-heartbeat.ts'
import { timerHeartbeat } from './runs/timer-heartbeat.ts'
import { startWorker } from './runs/worker.ts'
import { openPgliteStore } from './store/pglite-store.ts'
import { openPostgresStore } from './store/postgres-store.ts'
import type { Durability, Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'
import type { ToolDefinition } from './tools/define-tool.ts'
import { version } from './version.ts'
import { createWorkspace } from './workspace/create-workspace.ts'
import type { Upload, Workspace } from './workspace/workspace.ts'

export interface ServerOptions {
  readonly settings: Settings
  readonly logger: Logger
  /** Tell other programs of this user where the server is (local-access.ts). */
  readonly advertise: boolean
  /** In the place of the house's own: other users, agents and models, for trials of the whole server. */
  readonly parts?: Partial<ServerParts>
}

export interface ServerParts {
  readonly authenticator: Authenticator
  readonly agents: readonly AgentDefinition[]
  readonly tools: readonly ToolDefinition[]
  readonly models: ModelManager
}

/** What only the one user of local mode is handed. */
export interface LocalDoor {
  /** A new one-time link for a browser. */
  loginLink(): string
  /** Bearer token for programs of the same user. */
  readonly token: string
  /** A file of the local user, for a program that runs the server in its own process: all that HTTP does but HTTP. */
  upload(threadId: ThreadId, upload: Upload, signal: AbortSignal): Promise<FileInfo>
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  /** null: people sign in with a provider. */
  readonly local: LocalDoor | null
  readonly store: { readonly kind: Store['kind']; readonly durability: Durability }
  readonly tier: TierDetection
  /** Gives runs back, closes sockets with 1012, then everything else. Safe twice. */
  close(): Promise<void>
}

/**
 * Puts the house together; the only file that knows which adapter is used.
 * @throws {SettingError} a setting that must not be; {StoreLockedError} another process has the data directory;
 *   {RegistryError} an agent, tool or model that is missing or doubled (A1)
 */
export async function startServer({
  settings,
  logger,
  advertise,
  parts = {},
}: ServerOptions): Promise<RunningServer> {
  const tier = detectTier(settings)
  const [problem] = [...bootProblems(tier, settings), ...placementProblems(settings)]
  if (problem !== undefined) throw problem
  const signIn = chooseSignIn(settings, tier)
  const busChoice = chooseBus(settings)

  await using opened = new AsyncDisposableStack()
  const { dataDir } = settings
  await mkdir(dataDir, { recursive: true, mode: 0o700 })

  const makeId = systemIdMaker()
  const node = makeId('node')
  const store = opened.use(await openStore(settings, tier.tier, logger))
  const lifecycle = createLifecycleLog(store)
  const log = opened.use(createEventLog(store, lifecycle))
  const bus = opened.use(await openBus(busChoice, tier.tier, store, logger))
  const ended = new AbortController()
  opened.defer(() => ended.abort())
  const blobs = opened.use(await openBlobs(settings, store))
  const limits = {
    fileBytes: settings.maxFileBytes,
    cachedUploadBytes: settings.fileCacheBytes,
    cachedTableBytes: settings.fileCacheBytes,
  }
  const workspace = createWorkspace({ store, blobs, dataDir, logger, limits, ended: ended.signal })
  const threads = createThreads(store, lifecycle)
  const models = parts.models ?? createModelManager()
  const registry = createRegistry({
    agents: parts.agents ?? [dataHelper],
    tools: parts.tools ?? dataHelperTools,
    models,
  })

  let url = ''
  let ready = false
  const auth = opened.use(
    await openAuth(signIn, {
      store,
      makeId,
      url: () => url,
      onError: (err, what) => logger.warn({ err }, `${what} failed; trying again`),
      quotas: signIn.kind === 'local' ? noQuotas : quotasOf(settings),
    }),
  )
  const { local, revocations } = auth
  if (auth.provider !== null) await meetProvider(auth.provider, tier.tier, logger)
  const access = {
    ...auth,
    proxyHops: settings.proxyHops,
    authenticator: parts.authenticator ?? auth.authenticator,
  }

  const worker = await startWorker({
    store,
    log,
    registry,
    workspace,
    node,
    makeId,
    nowMs: Date.now,
    logger,
    openHeartbeat: chooseHeartbeat(settings, store, logger),
    spent: (owner, { tokens, toolMs }) => auth.quotas.spend(owner, { tokens, tool_seconds: toolMs / 1000 }),
  })
  let releasing: Promise<void> | null = null
  // A tool that does not let go keeps its run until the lease expires (R2), not this process.
  const releaseRuns = (): Promise<void> =>
    (releasing ??= within(worker.drain(), runReleaseMs, logger).then(() => bus.publish({ kind: 'queued' })))
  opened.defer(releaseRuns)
  const runs = createRuns({
    store,
    log,
    registry,
    makeId,
    onQueued: () => bus.publish({ kind: 'queued' }),
    onCancel: (runId) => bus.publish({ kind: 'cancel', runId }),
  })
  opened.defer(
    log.onCommit((threadId, events) => bus.publish({ kind: 'thread', threadId, head: headOf(events) })),
  )
  opened.defer(lifecycle.onCommit((userId, head) => bus.publish({ kind: 'user', userId, head })))
  opened.defer(
    bus.subscribe((hint) => {
      if (hint.kind === 'queued') worker.wake()
      else if (hint.kind === 'cancel') worker.cancel(hint.runId)
    }),
  )
  /** B1: bus or database was away, and what hints would have told is asked for at once. */
  const onResync = (listener: () => void): (() => void) => {
    const endings = [bus.onResync(listener), store.presence.onBack(listener)]
    return () => {
      for (const end of endings) end()
    }
  }
  opened.defer(onResync(worker.wake))

  const realtime = opened.use(
    openRealtime({
      ...access,
      threads,
      log,
      lifecycle,
      bus: { subscribe: bus.subscribe, onResync },
      node,
      makeId,
      logger,
      ready: () => ready,
    }),
  )
  opened.defer(
    revocations.onRevoke((revoked, where) => {
      if (where === 'here') bus.publish({ kind: 'revoked', userId: revoked })
      else realtime.revoked(revoked)
    }),
  )
  opened.defer(onResync(() => void revocations.poll()))
  const http = await createHttpServer({
    ...access,
    links: local?.mode ?? null,
    threads,
    log,
    runs,
    workspace,
    followEvents: realtime.followEvents,
    agents: registry.agents.map(({ name, description, tools }) => ({ name, description, tools: [...tools] })),
    dependencies: async () => [{ name: 'store', ready: ready && (await answers(store)) }],
    version: { version },
    logger,
  })
  opened.defer(() => http.close())
  http.server.on('upgrade', realtime.handleUpgrade)

  url = await http.listen({ host: settings.host, port: settings.port })
  if (advertise && local !== null)
    opened.defer(await writeLocalAccess(dataDir, { pid: process.pid, url, token: local.mode.token }))
  ready = true
  opened.defer(() => {
    ready = false
  })

  const owned = opened.move()
  let closing: Promise<void> | null = null
  /** Not ready, no claims, `drain` to all, runs released while sockets leave in waves; then the rest, in 8 s. */
  const leave = async (): Promise<void> => {
    ready = false
    await Promise.all([realtime.drain(), releaseRuns()])
    await owned.disposeAsync()
  }
  const close = (): Promise<void> => (closing ??= leave())
  return {
    url,
    local: local === null ? null : localDoor(local, workspace),
    store: { kind: store.kind, durability: store.capabilities.durability },
    tier,
    close,
    [Symbol.asyncDispose]: close,
  }
}

const quotasOf = (settings: Settings): QuotaLimits => ({
  messages: settings.messagesPerMinute,
  tokens: settings.tokensPerDay,
  tool_seconds: settings.toolSecondsPerDay,
  upload_bytes: settings.uploadBytesPerDay,
  sign_ins: settings.signInsPerMinute,
})

type OpenedAuth = Auth & {
  readonly local: { readonly mode: LocalMode; readonly userId: UserId } | null
  readonly provider: IdentityProvider | null
  readonly signIn: SignIn | null
}

async function openAuth(choice: SignInChoice, options: AuthOptions): Promise<OpenedAuth> {
  switch (choice.kind) {
    case 'local': {
      const userId = await localUserId(options.store, options.makeId)
      const auth = openLocalAuth({ ...options, userId })
      return { ...auth, local: { mode: auth.localMode, userId }, provider: null, signIn: null }
    }
    case 'provider': {
      const { clientSecret, publicUrl, audience, ...provider } = choice
      const revealed = { ...provider, clientSecret: clientSecret?.reveal() ?? null }
      const url = (): string => publicUrl.href
      return {
        ...openProviderAuth({ ...options, url, provider: revealed, publicUrl, audience }),
        local: null,
      }
    }
    default:
      return choice satisfies never
  }
}

/**
 * A provider that is away stops nobody who is signed in, so it does not stop the server: sign-in waits for it. One that
 * must not be trusted does.
 * @throws {SettingError}
 */
async function meetProvider(provider: IdentityProvider, tier: Tier, logger: Logger): Promise<void> {
  try {
    await retry(() => provider.discover(), {
      policy: retryPolicies[tier],
      what: `asking the identity provider ${provider.name} what it is`,
      isWorthRepeating: (error) => error instanceof ProviderUnreachableError,
      logger,
    })
  } catch (error) {
    if (error instanceof ProviderRefusedError) throw new SettingError('HOLDFAST_OIDC_ISSUER', error.message)
    if (!(error instanceof ProviderUnreachableError)) throw error
    logger.warn({ err: error }, 'the identity provider does not answer; nobody can sign in until it does')
  }
}

function localDoor({ mode, userId }: NonNullable<OpenedAuth['local']>, workspace: Workspace): LocalDoor {
  return {
    loginLink: () => mode.loginLink(),
    token: mode.token,
    upload: (threadId, upload, signal) =>
      workspace.upload({ kind: 'local', userId }, threadId, upload, signal),
  }
}

/** With the waves of realtime and what follows them, below the 8 s in which a stopped process has to be gone. */
const runReleaseMs = 6_500

async function within(work: Promise<void>, ms: number, logger: Logger): Promise<void> {
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), ms)
  if ((await Promise.race([work, late.promise])) === 'late')
    logger.warn({ ms }, 'runs do not let go; their leases will expire')
  clearTimeout(timer)
}

function chooseHeartbeat({ databaseUrl }: Settings, store: Store, logger: Logger): OpenHeartbeat {
  return databaseUrl === null ? timerHeartbeat(store, logger) : threadHeartbeat(databaseUrl.reveal(), logger)
}

function openStore(settings: Settings, tier: Tier, logger: Logger): Promise<Store> {
  return settings.databaseUrl === null
    ? openPgliteStore({ dataDir: join(settings.dataDir, 'store'), logger })
    : openPostgresStore({
        connectionString: settings.databaseUrl.reveal(),
        poolSize: settings.databaseConnections,
        policy: retryPolicies[tier],
        logger,
      })
}

async function openBus(choice: BusChoice, tier: Tier, { epoch }: Store, logger: Logger): Promise<Bus> {
  const policy = retryPolicies[tier]
  switch (choice.kind) {
    case 'in-process':
      return createInProcessBus()
    case 'postgres':
      return openPostgresBus({ connectionString: choice.url.reveal(), policy, logger })
    case 'nats': {
      // On demand: one process alone starts without reading its client.
      const { openNatsBus } = await import('./bus/nats-bus.ts')
      return openNatsBus({ url: choice.url.reveal(), epoch, policy, logger })
    }
    default:
      return choice satisfies never
  }
}

/** Readiness is asked for every few seconds: a store that is slower than this takes no more requests. */
const answerMs = 2_000

async function answers(store: Store): Promise<boolean> {
  if (store.presence.away) return false
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(late.resolve, answerMs, false)
  try {
    const asked = store.db.selectFrom('meta').select('key').limit(1).execute()
    return await Promise.race([asked.then(() => true), late.promise])
  } catch {
    // Readiness says that the store does not answer; why is in the log of whoever tried to use it.
    return false
  } finally {
    clearTimeout(timer)
  }
}
