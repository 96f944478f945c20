/**
 * What is done to a whole store from the command line. Puts the pieces together, as compose.ts does for a server.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError, systemIdMaker, type UserId } from '@holdfast/protocol'
import { createAccount } from './account.ts'
import { type AuditEvent, openAudit } from './auth/audit.ts'
import { openRevocations } from './auth/revocations.ts'
import { systemRandom } from './auth/secrets.ts'
import { createTokens } from './auth/tokens.ts'
import type { Settings } from './environment/settings.ts'
import { detectTier } from './environment/tier.ts'
import { createThreads } from './log/create-threads.ts'
import { createEventLog } from './log/sql-event-log.ts'
import { openBlobs } from './open-blobs.ts'
import { openStore } from './open-store.ts'
import { openPostgresStore, servingName } from './store/postgres-store.ts'
import type { Store, Tx } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'
import { openArchiveReader, openArchiveWriter } from './upkeep/archive/open-archive.ts'
import { type RestoreResult, restoreBackup } from './upkeep/backup/restore-backup.ts'
import { type BackupResult, writeBackup } from './upkeep/backup/write-backup.ts'
import { copyStore } from './upkeep/copy-store.ts'
import { createDeletions } from './upkeep/deletions.ts'
import type { OnProgress } from './upkeep/progress.ts'
import type { TableDigest } from './upkeep/tables/table-rows.ts'
import { requireNoServer } from './upkeep/tables/whole-store.ts'
import { type UserExport, writeUserExport } from './upkeep/write-user-export.ts'
import { createWorkspace } from './workspace/create-workspace.ts'

export interface MaintenanceOptions {
  readonly settings: Settings
  readonly logger: Logger
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

/** The database tells its connections from those of servers. */
const maintenance = 'holdfast maintenance'

const openOwn = ({ settings, logger }: MaintenanceOptions): Promise<Store> =>
  openStore(settings, detectTier(settings).tier, logger, maintenance)

/** A mistyped --data-dir would be a new, empty store. @throws {HoldfastError} not_found */
async function openExisting(options: MaintenanceOptions): Promise<Store> {
  const { databaseUrl, dataDir } = options.settings
  const isThere = await access(join(dataDir, 'store')).then(
    () => true,
    () => false,
  )
  if (databaseUrl === null && !isThere)
    throw new HoldfastError(
      'not_found',
      `There is no database in ${dataDir}. Check --data-dir, or set HOLDFAST_DATABASE_URL.`,
    )
  return await openOwn(options)
}

/** @param options.to a new file (.tar, .tar.gz, .tgz) or directory */
export async function backupStore(
  options: MaintenanceOptions & { readonly to: string; readonly allowMissing: boolean },
): Promise<BackupResult> {
  await using store = await openExisting(options)
  await using blobs = await openBlobs(options.settings, store)
  await using archive = await openArchiveWriter(options.to)
  return await writeBackup({ ...options, store, blobs, archive })
}

export async function restoreStore(
  options: MaintenanceOptions & {
    readonly from: string
    readonly overwrite: boolean
    readonly withoutTokens: boolean
  },
): Promise<RestoreResult> {
  await using archive = await openArchiveReader(options.from)
  await using store = await openOwn(options)
  await requireNoServer(store, servingName)
  await using blobs = await openBlobs(options.settings, store)
  return await restoreBackup({ ...options, store, blobs, archive, requireAlone: aloneIn(store) })
}

/** @param options.to the URL of a PostgreSQL database that nobody has used yet */
export async function migrateStore(
  options: MaintenanceOptions & { readonly to: string },
): Promise<Readonly<Record<string, TableDigest>>> {
  const { logger, to: connectionString } = options
  await using from = await openExisting(options)
  await requireNoServer(from, servingName)
  await using to = await openPostgresStore({ connectionString, name: maintenance, poolSize: 2, logger })
  await requireNoServer(to, servingName)
  return await copyStore({ ...options, from, to, requireAlone: aloneIn(to) })
}

/** A server may have started since the first look, which spares a long wait for the lock. */
const aloneIn =
  (store: Store) =>
  (tx: Tx): Promise<void> =>
    requireNoServer(store, servingName, tx)

/** What a server has of a user, for work beside it. */
async function openAccount(options: MaintenanceOptions, userId: UserId) {
  const { settings, logger } = options
  await using opened = new AsyncDisposableStack()
  const store = opened.use(await openExisting(options))
  const user = await store.db.selectFrom('users').select('kind').where('id', '=', userId).executeTakeFirst()
  if (user === undefined)
    throw new HoldfastError('not_found', `There is no user ${userId}; \`holdfast users list\` shows all.`)
  const onError = (error: unknown): void => logger.error({ error }, 'the audit log was not written')
  const audit = opened.use(openAudit({ store, onError }))
  const revocations = opened.use(openRevocations({ store, onPollError: onError }))
  const blobs = opened.use(await openBlobs(settings, store))
  const threads = createThreads(store)
  const account = createAccount({
    store,
    threads,
    log: opened.use(createEventLog(store)),
    revocations,
    workspace: createWorkspace({ store, blobs, dataDir: settings.dataDir }),
    tokens: createTokens({ store, revocations, makeId: systemIdMaker(), random: systemRandom }),
  })
  const owned = opened.move()
  return {
    principal: { kind: user.kind, userId },
    store,
    blobs,
    account,
    note: (event: AuditEvent) =>
      audit.note({ event, userId, detail: { by: 'operator' } }, { address: null, agent: 'holdfast users' }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** @param options.to a new file (.tar, .tar.gz, .tgz) or directory */
export async function exportUser(
  options: MaintenanceOptions & { readonly userId: UserId; readonly to: string },
): Promise<UserExport> {
  await using opened = await openAccount(options, options.userId)
  const { store, blobs, account, principal, note } = opened
  await using archive = await openArchiveWriter(options.to)
  await note('data_exported')
  return await writeUserExport({ ...options, store, blobs, archive, lines: account.export(principal) })
}

/** Rows and bytes are gone when it resolves, unless servers of this database are already at it. */
export async function deleteUser(options: MaintenanceOptions & { readonly userId: UserId }): Promise<void> {
  await using opened = await openAccount(options, options.userId)
  const { store, blobs, account, principal, note } = opened
  await account.remove(principal)
  await note('data_deleted')
  await createDeletions({ store, blobs }).finish(options.signal)
}
