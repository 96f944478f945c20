import type { FileInfo, MakeId, NodeId, ThreadId, UserId } from '@holdfast/protocol'
import { createAccount } from './account.ts'
import { describeFile } from './agents/data-helper/describe-file.ts'
import type { AgentDefinition } from './agents/define-agent.ts'
import type { Registry } from './agents/registry.ts'
import type { Audit } from './auth/audit.ts'
import type { Authenticator } from './auth/authenticator.ts'
import {
  type IdentityProvider,
  ProviderRefusedError,
  ProviderUnreachableError,
} from './auth/identity-provider.ts'
import type { LocalMode } from './auth/local-mode.ts'
import { localUserId } from './auth/local-user.ts'
import { type Auth, type AuthOptions, openLocalAuth, openProviderAuth } from './auth/open-auth.ts'
import type { QuotaLimits } from './auth/quotas.ts'
import type { SignIn } from './auth/sign-in.ts'
import { forgetSimulation, simulatedLeftovers } from './auth/simulated-leftovers.ts'
import type { Bus } from './bus/bus.ts'
import { retry } from './environment/retry.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import { SettingError, type Tier } from './environment/settings.ts'
import type { SignInChoice } from './environment/sign-in-choice.ts'
import type { Account } from './http/deps.ts'
import type { HealthDeps } from './http/health.ts'
import { createHealthServer } from './http/health-server.ts'
import { createHttpServer } from './http/server.ts'
import type { OpenSimulation } from './load-simulation.ts'
import type { LifecycleLog } from './log/lifecycle-log.ts'
import type { SqlEventLog } from './log/sql-event-log.ts'
import type { Threads } from './log/threads.ts'
import type { ModelManager } from './models/model-manager.ts'
import { createOperations } from './operations.ts'
import { openRealtime } from './realtime/realtime.ts'
import { createDataRequests } from './runs/data-requests.ts'
import type { Runs } from './runs/runs.ts'
import type { Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'
import type { ToolDefinition } from './tools/define-tool.ts'
import type { Upload, Workspace } from './workspace/workspace.ts'

export interface ServerParts {
  readonly authenticator: Authenticator
  readonly agents: readonly AgentDefinition[]
  readonly tools: readonly ToolDefinition[]
  readonly models: ModelManager
  /** Puts something around the bus, to try what becomes of the house when hints go astray (B1). */
  readonly aroundBus: (bus: Bus) => Bus
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

/** The side of a server that others speak to. */
export interface Front extends AsyncDisposable {
  /** Resolves with the address. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>
  readonly local: LocalDoor | null
  /** Tells whoever is connected to leave, and waits for them. */
  drain(): Promise<void>
}

/** Of a worker: whether it lives and is ready, for those who run it. */
export function openWorkerDoor(deps: HealthDeps): Front {
  const http = createHealthServer(deps)
  return {
    listen: http.listen,
    local: null,
    drain: async () => {},
    [Symbol.asyncDispose]: http.close,
  }
}

export interface FrontDeps extends HealthDeps {
  readonly signIn: SignInChoice
  /** null: nobody is simulated here. */
  readonly simulation: OpenSimulation | null
  readonly tier: Tier
  /**
   * Simulated users that came with a copied database go. Only where HOLDFAST_ENV says production: what is detected or
   * assumed takes nothing away either (P2), and they are nobody where the simulation is off.
   */
  readonly removesSimulated: boolean
  readonly quotas: QuotaLimits
  readonly admins: ReadonlySet<UserId>
  readonly proxyHops: number
  readonly parts: Partial<ServerParts>
  readonly store: Store
  readonly threads: Threads
  readonly log: SqlEventLog
  readonly lifecycle: LifecycleLog
  readonly runs: Runs
  readonly workspace: Workspace
  readonly registry: Registry
  readonly bus: Bus
  /** Hints of other nodes may have been missed. */
  readonly onResync: Bus['onResync']
  readonly node: NodeId
  readonly makeId: MakeId
  readonly ready: () => boolean
  readonly pageDirectory: string | null
}

/** For people and their programs: sign-in, HTTP and sockets. */
export async function openFront(deps: FrontDeps): Promise<Front> {
  const { store, threads, log, lifecycle, bus, onResync, workspace, registry, makeId, logger } = deps
  await using opened = new AsyncDisposableStack()
  let url = ''
  const simulated = deps.simulation?.(store) ?? null
  const auth = opened.use(
    await openAuth(deps.signIn, {
      store,
      makeId,
      url: () => url,
      onError: (err, what) => logger.warn({ err }, `${what} failed; trying again`),
      quotas: deps.quotas,
      admins: deps.admins,
      simulatedTokens: simulated?.simulation.tokens ?? null,
    }),
  )
  const { local, revocations } = auth
  if (auth.provider !== null) await meetProvider(auth.provider, deps.tier, logger)
  const access = {
    ...auth,
    proxyHops: deps.proxyHops,
    authenticator: deps.parts.authenticator ?? auth.authenticator,
  }
  const realtime = opened.use(
    openRealtime({
      ...access,
      threads,
      log,
      lifecycle,
      bus: { subscribe: bus.subscribe, onResync },
      node: deps.node,
      makeId,
      logger,
      ready: deps.ready,
    }),
  )
  opened.defer(
    revocations.onRevoke((revoked, where) => {
      if (where === 'here') bus.publish({ kind: 'revoked', userId: revoked })
      else realtime.revoked(revoked)
    }),
  )
  opened.defer(onResync(() => void revocations.poll()))
  const account = createAccount({ ...auth, store, threads, log, workspace })
  if (deps.removesSimulated) await removeSimulated(store, account, auth.audit, logger)
  const http = await createHttpServer({
    ...access,
    tier: deps.tier,
    describeFile,
    operations: createOperations({ ...deps, version: deps.version.version, realtime }),
    account,
    simulation:
      simulated === null ? null : { personaOf: simulated.simulation.personaOf, routes: simulated.routes },
    links: local?.mode ?? null,
    threads,
    log,
    runs: deps.runs,
    dataRequests: createDataRequests(store),
    workspace,
    followEvents: realtime.followEvents,
    agentsOf: (principal) =>
      registry.agentsOf(principal).map(({ name, description, tools, offlineRules }) => ({
        name,
        description,
        tools: [...tools],
        models: [...registry.models.namesFor(offlineRules)],
      })),
    node: deps.node,
    pageDirectory: deps.pageDirectory,
    dependencies: deps.dependencies,
    version: deps.version,
    logger,
  })
  opened.defer(() => http.close())
  http.server.on('upgrade', realtime.handleUpgrade)

  const owned = opened.move()
  return {
    async listen(address) {
      url = await http.listen(address)
      return url
    },
    local: local === null ? null : localDoor(local, workspace),
    drain: () => realtime.drain(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Databases of staging get copied: before production listens, whoever was simulated there is nobody here. */
async function removeSimulated(
  store: Store,
  account: Pick<Account, 'remove'>,
  audit: Audit,
  logger: Logger,
): Promise<void> {
  const users = await simulatedLeftovers(store)
  for (const user of users) await account.remove(user)
  await forgetSimulation(store)
  if (users.length === 0) return
  logger.warn({ users: users.length }, 'simulated users were removed: this is production')
  const entry = { event: 'simulated_run_purged', detail: { users: users.length, by: 'start' } } as const
  await audit.note(entry, { address: null, agent: null })
}

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
