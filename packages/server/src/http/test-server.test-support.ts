import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NewEvent, type Run, systemIdMaker, type ThreadId, type UserId } from '@holdfast/protocol'
import { keyIdOf, newSimulationKey } from '@holdfast/protocol/e2e'
import type { FastifyInstance } from 'fastify'
import { type Selectable, sql } from 'kysely'
import { afterAll } from 'vitest'
import { createAccount } from '../account.ts'
import { describeFile } from '../agents/data-helper/describe-file.ts'
import { defineAgent } from '../agents/define-agent.ts'
import { createRegistry } from '../agents/registry.ts'
import { type AddressLimitValues, addressLimits } from '../auth/e2e-simulation/address-limits.ts'
import { createSimulation } from '../auth/e2e-simulation/create-simulation.ts'
import type { LocalMode } from '../auth/local-mode.ts'
import { type Auth, openLocalAuth } from '../auth/open-auth.ts'
import { noQuotas, type QuotaLimits } from '../auth/quotas.ts'
import { createInProcessBus } from '../bus/in-process-bus.ts'
import { createThreads } from '../log/create-threads.ts'
import type { EventLog } from '../log/event-log.ts'
import { createLifecycleLog } from '../log/lifecycle-log.ts'
import { createEventLog, type SqlEventLog } from '../log/sql-event-log.ts'
import type { Threads } from '../log/threads.ts'
import { createModelManager } from '../models/model-manager.ts'
import { createOperations } from '../operations.ts'
import type { Principal } from '../principal.ts'
import type { RealtimeLimits } from '../realtime/limits.ts'
import { openRealtime, type Realtime, type RealtimeDeps } from '../realtime/realtime.ts'
import type { Schedule } from '../realtime/schedule.ts'
import { createRuns } from '../runs/create-runs.ts'
import { createDataRequests } from '../runs/data-requests.ts'
import type { Runs } from '../runs/runs.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { createWorkspace } from '../workspace/create-workspace.ts'
import { createDirectoryBlobs } from '../workspace/directory-blobs.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { HttpDeps } from './deps.ts'
import { e2eSimulationRoutes } from './e2e-simulation.ts'
import { createHttpServer } from './server.ts'

export const makeId = systemIdMaker()
export const maxUploadBytes = 1024 * 1024

// One store for all servers of a test file: each server has users and threads of its own in it.
const store = await openMemoryStore()
afterAll(() => store[Symbol.asyncDispose]())

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly token: string
  readonly principal: Principal
  readonly localMode: LocalMode
  readonly auth: Auth
  readonly log: EventLog
  readonly threads: Threads
  readonly realtime: Realtime
  readonly workspace: Workspace
  /** Called with how each further upload ended; null: well. */
  onUploadEnd(listener: (error: unknown) => void): void
  /** The server's ends of all that is connected. */
  readonly sockets: ReadonlySet<Socket>
  readonly inject: FastifyInstance['inject']
  readonly routes: readonly string[]
  readonly store: Store
  newUser(kind: Exclude<Principal['kind'], 'simulated'>): Promise<Principal>
  /** By what tests sign in as personas. */
  readonly simulation: { readonly key: string; readonly previousKey: string; readonly host: string }
  /** Another user's token. */
  readonly otherToken: string
  /** What this server wrote into it. */
  auditLog(): Promise<readonly Selectable<Schema['audit']>[]>
  append(threadId: ThreadId, run: Pick<Run, 'id' | 'agent'>, ...events: NewEvent[]): Promise<void>
}

export interface TestServerOptions {
  readonly limits?: Partial<RealtimeLimits>
  readonly schedule?: Schedule
  readonly deps?: Partial<HttpDeps>
  /** What realtime is given in place of what it would be given. */
  readonly realtime?: (given: RealtimeDeps) => RealtimeDeps
  readonly ready?: () => boolean
  /** Default: none. */
  readonly quotas?: QuotaLimits
  /** Default: so many that no test meets them. */
  readonly simulationLimits?: AddressLimitValues
  /** Milliseconds since 1970, for what is signed. */
  readonly nowMs?: () => number
  /** An origin that may connect besides the server's own. */
  readonly origin?: string
  /** The fields of each error line. */
  readonly logged?: object[]
}

/** A real server on a real socket, its store in memory and its files in a directory of its own. */
export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { last: auditedBefore } = await store.db
    .selectFrom('audit')
    .select((row) => row.fn.coalesce(row.fn.max('id'), sql<number>`0`).as('last'))
    .executeTakeFirstOrThrow()
  const lifecycle = createLifecycleLog(store)
  const log = createEventLog(store, lifecycle)
  const threads = createThreads(store, lifecycle)
  const address = { url: 'http://127.0.0.1:0' }
  const signing = {
    key: newSimulationKey(),
    previousKey: newSimulationKey(),
    host: 'chat.staging.example.test',
  }
  const simulation = createSimulation({
    store,
    host: signing.host,
    keys: [signing.key, signing.previousKey].map((text) => ({ id: keyIdOf(text), text })),
    limits: options.simulationLimits ?? {
      ...addressLimits,
      requestsPerMinute: 1_000_000,
      refusals: 1_000_000,
    },
    ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
  })
  const userId = await newUser('local')
  const auth = openLocalAuth({
    store,
    makeId,
    userId,
    url: () => address.url,
    onError() {},
    simulatedTokens: simulation.tokens,
    ...(options.quotas === undefined ? {} : { quotas: options.quotas }),
  })
  const { localMode } = auth
  const principal: Principal = { kind: 'local', userId }
  const other = await auth.tokens.create(
    { kind: 'user', userId: await newUser('user') },
    { name: 'other', scopes: ['read', 'write'], days: 1 },
  )
  let uploadEnded: (error: unknown) => void = () => {}
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-http-'))
  const blobs = createDirectoryBlobs({ directory: join(dataDir, 'blobs'), durable: false })
  const workspace = createWorkspace({ store, blobs, dataDir, limits: { fileBytes: maxUploadBytes } })
  const boundary = {
    ...auth.boundary,
    allowsHost: auth.boundary.allowsHost,
    allowsOrigin: (origin: string) => origin === options.origin || auth.boundary.allowsOrigin(origin),
  }
  const bus = createInProcessBus()
  const node = makeId('node')
  auth.revocations.onRevoke((revoked) => bus.publish({ kind: 'revoked', userId: revoked }))
  const given: RealtimeDeps = {
    ready: options.ready ?? (() => true),
    ...auth,
    proxyHops: 0,
    boundary,
    threads,
    log,
    lifecycle,
    bus,
    node,
    makeId,
    logger: silentLogger,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
  }
  const realtime = openRealtime(options.realtime?.(given) ?? given)
  const http = await createHttpServer({
    threads,
    log,
    runs: queuedRuns(log),
    dataRequests: createDataRequests(store),
    workspace: {
      ...workspace,
      async upload(...request) {
        try {
          const info = await workspace.upload(...request)
          uploadEnded(null)
          return info
        } catch (error) {
          uploadEnded(error)
          throw error
        }
      },
    },
    agentsOf: () => [
      { name: 'data-helper', description: 'Answers questions about data', tools: [], models: ['offline'] },
    ],
    node,
    ...auth,
    proxyHops: 0,
    tier: 'test',
    describeFile,
    operations: createOperations({
      store,
      node: makeId('node'),
      version: '0.0.0-test',
      realtime,
      quotas: options.quotas ?? noQuotas,
    }),
    account: createAccount({ ...auth, store, threads, log, workspace }),
    simulation: {
      personaOf: simulation.personaOf,
      routes: (app, all) => e2eSimulationRoutes(app, all, simulation),
    },
    links: localMode,
    signIn: null,
    followEvents: (request) => realtime.followEvents(request),
    dependencies: async () => [{ name: 'store', ready: true }],
    version: {
      version: '0.0.0-test',
      role: 'all',
      commit: 'unknown',
      image: 'unknown',
      contract: '0'.repeat(64),
      schema: 'none',
    },
    pageDirectory: null,
    logger: { ...silentLogger, error: (fields) => void options.logged?.push(fields) },
    ...options.deps,
  })
  const sockets = new Set<Socket>()
  http.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  http.server.on('upgrade', realtime.handleUpgrade)
  await http.listen({ host: '127.0.0.1', port: 0 })
  address.url = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`
  let appended = 0
  return {
    url: address.url,
    token: localMode.token,
    store,
    newUser: async (kind) => ({ kind, userId: await newUser(kind) }),
    otherToken: other.text,
    auditLog: () =>
      store.db.selectFrom('audit').selectAll().where('id', '>', auditedBefore).orderBy('id').execute(),
    auth,
    simulation: signing,
    principal,
    sockets,
    inject: http.app.inject.bind(http.app),
    routes: http.routes,
    localMode,
    log,
    threads,
    realtime,
    workspace,
    onUploadEnd(listener) {
      uploadEnded = listener
    },
    async append(threadId, run, ...events) {
      appended += 1
      await log.append({
        threadId,
        runId: run.id,
        agent: run.agent,
        events,
        producerKey: `test/${appended}`,
        fence: null,
      })
    },
    async [Symbol.asyncDispose]() {
      await realtime.close()
      await http.close()
      await log[Symbol.asyncDispose]()
      await auth[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function newUser(kind: Principal['kind']): Promise<UserId> {
  const id = makeId('user')
  await store.db
    .insertInto('users')
    .values({ id, issuer: 'https://issuer.test', subject: id, kind, name: null, disabled_at: null })
    .execute()
  return id
}

/** Queued and never carried out: what a run does, the tests append themselves. */
function queuedRuns(log: SqlEventLog): Runs {
  const agent = defineAgent({
    name: 'test',
    description: 'Waits.',
    instructions: '',
    tools: [],
    offlineRules: () => ({ kind: 'say', text: '' }),
  })
  const registry = createRegistry({ agents: [agent], tools: [], models: createModelManager() })
  return createRuns({ store, log, registry, makeId, onQueued() {}, onCancel() {} })
}
