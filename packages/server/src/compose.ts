import { mkdir } from 'node:fs/promises'
import { systemIdMaker } from '@holdfast/protocol'
import { readAgentModules } from './agent-modules.ts'
import { dataHelper, dataHelperTools } from './agents/data-helper/data-helper.ts'
import { proofAgent } from './agents/proof/proof-agent.ts'
import { proofTools } from './agents/proof/proof-tools.ts'
import { createRegistry } from './agents/registry.ts'
import { writeLocalAccess } from './auth/local-access.ts'
import { createQuotas, noQuotas, type QuotaLimits } from './auth/quotas.ts'
import type { Bus } from './bus/bus.ts'
import { createInProcessBus } from './bus/in-process-bus.ts'
import { openPostgresBus } from './bus/postgres-bus.ts'
import { type BusChoice, chooseBus } from './environment/bus-choice.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Role, Settings, Tier } from './environment/settings.ts'
import { chooseSignIn } from './environment/sign-in-choice.ts'
import type { TierDetection } from './environment/tier.ts'
import { type LocalDoor, openFront, openWorkerDoor, type ServerParts } from './front.ts'
import { loadSimulation } from './load-simulation.ts'
import { headOf } from './log/commit-listeners.ts'
import { createThreads } from './log/create-threads.ts'
import { createLifecycleLog } from './log/lifecycle-log.ts'
import { createEventLog } from './log/sql-event-log.ts'
import { openBlobs } from './open-blobs.ts'
import { noMcpTools, openMcpTools } from './open-mcp-tools.ts'
import { openModels } from './open-models.ts'
import { createRuns } from './runs/create-runs.ts'
import type { OpenHeartbeat } from './runs/heartbeat.ts'
import { threadHeartbeat } from './runs/thread-heartbeat.ts'
import { timerHeartbeat } from './runs/timer-heartbeat.ts'
import { startWorker } from './runs/worker.ts'
import type { Durability, Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'
import { startUpkeep } from './upkeep/start-upkeep.ts'
import { versionOf } from './version.ts'
import { createWorkspace } from './workspace/create-workspace.ts'

export interface ServerOptions {
  readonly settings: Settings
  readonly logger: Logger
  /** Tell other programs of this user where the server is (local-access.ts). */
  readonly advertise: boolean
  /** The built page (packages/web). Default: none, and people are told so. */
  readonly pageDirectory?: string
  /** In the place of the house's own: other users, agents and models, for trials of the whole server. */
  readonly parts?: Partial<ServerParts>
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly role: Role
  /** null: people sign in with a provider, or nobody does here (a worker). */
  readonly local: LocalDoor | null
  readonly store: { readonly kind: Store['kind']; readonly durability: Durability }
  readonly tier: TierDetection
  /** Gives runs back, closes sockets with 1012, then everything else. Safe twice. */
  close(): Promise<void>
}

/**
 * Puts the house together; the only file that knows which adapter is used.
 * @param open called once nothing else is missing: a database is not migrated by a server that will not start on it
 * @throws {SettingError}, {StoreLockedError} and {RegistryError} as startServer
 */
export async function composeServer(
  { settings, logger, advertise, pageDirectory, parts = {} }: ServerOptions,
  tier: TierDetection,
  open: () => Promise<Store>,
): Promise<RunningServer> {
  const { role } = settings
  /** null: a worker, which nobody signs in to. */
  const signIn = role === 'worker' ? null : chooseSignIn(settings, tier)
  const simulation = role === 'worker' ? null : await loadSimulation(settings, tier, logger)
  const busChoice = chooseBus(settings)
  // Before anything is opened: what is missing here is found at once.
  const own = await readAgentModules(settings.agentModules)
  const mcp = role === 'web' ? noMcpTools : await openMcpTools(settings.mcpServers, tier.tier, logger)

  await using opened = new AsyncDisposableStack()
  const { dataDir } = settings
  await mkdir(dataDir, { recursive: true, mode: 0o700 })

  const makeId = systemIdMaker()
  const node = makeId('node')
  const store = opened.use(await open())
  const lifecycle = createLifecycleLog(store)
  const log = opened.use(createEventLog(store, lifecycle))
  const nodesBus = opened.use(await openBus(busChoice, tier.tier, store, logger))
  const bus = parts.aroundBus?.(nodesBus) ?? nodesBus
  const ended = new AbortController()
  opened.defer(() => ended.abort())
  const blobs = opened.use(await openBlobs(settings, store))
  const limits = {
    fileBytes: settings.maxFileBytes,
    cachedUploadBytes: settings.fileCacheBytes,
    cachedTableBytes: settings.fileCacheBytes,
  }
  const workspace = createWorkspace({ store, blobs, dataDir, logger, limits, ended: ended.signal })
  const threads = createThreads(store, lifecycle, (running) => {
    // Whoever carries them looks at its leases at once, and finds none.
    for (const runId of running) bus.publish({ kind: 'cancel', runId })
    upkeep.wake()
  })
  const upkeep = opened.use(
    startUpkeep({ store, blobs, threads, workspace, retentionDays: settings.retentionDays, logger }),
  )
  // In production there is nobody who may ask it, and so it is not there.
  const provable = tier.tier !== 'production'
  const models = parts.models ?? openModels(settings, tier.tier, logger)
  const registry = createRegistry({
    agents: [
      ...[...(parts.agents ?? [dataHelper]), ...own.agents].map(mcp.withTools),
      ...(provable ? [proofAgent] : []),
    ],
    tools: [...(parts.tools ?? dataHelperTools), ...own.tools, ...mcp.tools, ...(provable ? proofTools : [])],
    models,
    mayProve: ({ kind }) => kind === 'simulated' || (kind === 'local' && provesLocally(tier.tier)),
  })

  const quotaLimits = quotasOf(settings)
  const quotas = createQuotas({ store, limits: quotaLimits })
  const worker =
    role === 'web'
      ? null
      : await startWorker({
          store,
          log,
          registry,
          workspace,
          node,
          makeId,
          nowMs: Date.now,
          logger,
          openHeartbeat: chooseHeartbeat(settings, store, logger),
          spent: (owner, { tokens, toolMs }) => quotas.spend(owner, { tokens, tool_seconds: toolMs / 1000 }),
          mayAsk: (owner) => quotas.take(owner, { tokens: 0 }),
        })
  let releasing: Promise<void> | null = null
  const release = async (): Promise<void> => {
    if (worker === null) return
    // A tool that does not let go keeps its run until the lease expires (R2), not this process.
    await within(worker.drain(), runReleaseMs, logger)
    bus.publish({ kind: 'queued' })
  }
  const releaseRuns = (): Promise<void> => (releasing ??= release())
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
      if (hint.kind === 'queued') worker?.wake()
      else if (hint.kind === 'cancel') worker?.cancel(hint.runId)
    }),
  )
  /** B1: bus or database was away, and what hints would have told is asked for at once. */
  const onResync = (listener: () => void): (() => void) => {
    const endings = [bus.onResync(listener), store.presence.onBack(listener)]
    return () => {
      for (const end of endings) end()
    }
  }
  opened.defer(onResync(() => worker?.wake()))

  const state = { ready: false }
  const common = {
    dependencies: async () => [{ name: 'store', ready: state.ready && (await answers(store)) }],
    version: versionOf(settings),
    logger,
  }
  const front = opened.use(
    signIn === null
      ? openWorkerDoor(common)
      : await openFront({
          ...common,
          signIn,
          simulation,
          tier: tier.tier,
          removesSimulated: tier.tier === 'production' && tier.how === 'explicit',
          quotas: quotaLimits,
          admins: new Set(settings.admins),
          proxyHops: settings.proxyHops,
          parts,
          store,
          threads,
          log,
          lifecycle,
          runs,
          workspace,
          registry,
          bus,
          onResync,
          node,
          makeId,
          ready: () => state.ready,
          pageDirectory: pageDirectory ?? null,
        }),
  )
  const url = await front.listen(settings)
  if (advertise && front.local !== null)
    opened.defer(await writeLocalAccess(dataDir, { pid: process.pid, url, token: front.local.token }))
  state.ready = true
  opened.defer(() => {
    state.ready = false
  })

  const owned = opened.move()
  let closing: Promise<void> | null = null
  /** Not ready, no claims, `drain` to all, runs released while sockets leave in waves; then the rest, in 8 s. */
  const leave = async (): Promise<void> => {
    state.ready = false
    await Promise.all([front.drain(), releaseRuns()])
    await owned.disposeAsync()
  }
  const close = (): Promise<void> => (closing ??= leave())
  return {
    url,
    role,
    local: front.local,
    store: { kind: store.kind, durability: store.capabilities.durability },
    tier,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * The local user of a development server proves it to themselves. Detected or assumed tiers grant nothing (P2), and
 * neither does this: local mode is loopback only, and the agent gives back what it was sent.
 */
const provesLocally = (tier: Tier): boolean => tier === 'development' || tier === 'test'

/** The one user of local mode has nobody to share with. */
function quotasOf(settings: Settings): QuotaLimits {
  if (settings.oidcIssuer === null) return noQuotas
  return {
    messages: settings.messagesPerMinute,
    tokens: settings.tokensPerDay,
    tool_seconds: settings.toolSecondsPerDay,
    upload_bytes: settings.uploadBytesPerDay,
    sign_ins: settings.signInsPerMinute,
    simulated_requests: null,
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
