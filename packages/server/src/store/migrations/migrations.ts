import type { Migration } from 'kysely/migration'
import * as first from './0001-first.ts'

/** One file a migration, never changed once released; they run in the order of these names. */
export const migrations: Readonly<Record<string, Migration>> = { '0001-first': first }
