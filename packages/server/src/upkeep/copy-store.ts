import { HoldfastError } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store, Tx } from '../store/store.ts'
import type { OnProgress } from './progress.ts'
import {
  continueNumbering,
  createTableDigester,
  digestTable,
  insertRows,
  readRows,
  type TableDigest,
} from './tables/table-rows.ts'
import { type TableShape, tableShapes } from './tables/table-shapes.ts'
import { emptyTables, inSnapshot, usedTables, withoutHaste } from './tables/whole-store.ts'

export interface CopyOptions {
  readonly from: Store
  readonly to: Store
  /** Asked under the lock that keeps a server of `to` from starting. @throws {HoldfastError} not_ready */
  readonly requireAlone: (tx: Tx) => Promise<void>
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

/**
 * Every row of one store into another that nobody has used yet, its epoch too: it stays the same log, and cursors go on
 * (L6). Committed when both hold the same, row for row.
 * @throws {HoldfastError} bad_request: the other store is not empty
 */
export async function copyStore({
  from,
  to,
  requireAlone,
  onProgress,
  signal,
}: CopyOptions): Promise<Readonly<Record<string, TableDigest>>> {
  return await inSnapshot(from.db, async (source) =>
    to.db.transaction().execute(async (target) => {
      await withoutHaste(target)
      await sql`lock table meta in access exclusive mode`.execute(target)
      await requireAlone(target)
      const shapes = await tableShapes(source)
      if (JSON.stringify(shapes) !== JSON.stringify(await tableShapes(target)))
        throw new Error('Both stores are of this version, and have not the same tables')
      const used = await usedTables(target, shapes)
      if (used.length > 0)
        throw new HoldfastError(
          'bad_request',
          `The database to move to is not empty (${used.join(', ')}). Give it a new one: nothing in it is overwritten.`,
        )
      await emptyTables(target, shapes)
      const copied: Record<string, TableDigest> = {}
      for (const shape of shapes)
        copied[shape.name] = await copyTable(source, target, shape, onProgress, signal)
      for (const shape of shapes) {
        signal.throwIfAborted()
        onProgress({ doing: 'check', table: shape.name })
        const { sha256 } = await digestTable(target, shape)
        if (sha256 !== copied[shape.name]?.sha256)
          throw new Error(`The other store does not hold the rows of ${shape.name} as they were given to it`)
        await continueNumbering(target, shape)
      }
      return copied
    }),
  )
}

async function copyTable(
  source: Tx,
  target: Tx,
  shape: TableShape,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<TableDigest> {
  const digester = createTableDigester()
  for await (const { rows } of readRows(source, shape)) {
    signal.throwIfAborted()
    await insertRows(target, shape.name, shape.columns, rows)
    digester.add(rows)
    onProgress({ doing: 'rows', table: shape.name, rows: digester.result().rows })
  }
  return digester.result()
}
