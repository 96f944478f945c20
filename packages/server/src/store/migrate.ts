import { EpochId, HoldfastError } from '@holdfast/protocol'
import type { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from './migrations/migrations.ts'
import type { Schema } from './schema.ts'

/**
 * Brings the database to this version's schema. Two processes at once are safe: kysely takes an advisory lock
 * on PostgreSQL, and on PGlite there is only one process.
 * @throws {HoldfastError} not_ready: a migration failed, or the database is of a newer version
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName
  if (failed !== undefined)
    throw new HoldfastError(
      'not_ready',
      `Migration ${failed} failed: ${messageOf(error)}. Nothing was changed.`,
      {
        cause: error,
      },
    )
  const newer = /previously executed migration (\S+) is missing/.exec(messageOf(error))?.[1]
  if (newer !== undefined)
    throw new HoldfastError(
      'not_ready',
      `The database was brought to ${newer} by a newer version; start that version, or restore an older backup.`,
      { cause: error },
    )
  throw error instanceof Error ? error : new Error(messageOf(error))
}

/** The epoch the store was made with, or the one restore gave it (L6). */
export async function readEpoch(db: Kysely<Schema>): Promise<EpochId> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', 'epoch').executeTakeFirstOrThrow()
  return EpochId.parse(row.value)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
