import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Cell } from '@holdfast/protocol'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { SqlResult } from '../../../workspace/workspace.ts'
import { openFiles } from '../testing/open-files.ts'

/** One file through the real ingest, and SQL on it through the real gate and child process. For tests only. */
export interface TestTable extends AsyncDisposable {
  readonly profile: FileProfile
  /** The raw table is named `data`. */
  readonly run: (sql: string, id?: string) => Promise<SqlResult>
  /** Several queries in one child process, by their ids. */
  readonly runAll: (
    queries: readonly { id: string; sql: string }[],
  ) => Promise<ReadonlyMap<string, SqlResult>>
  /** The rows of SQL that DuckDB runs here, without the workspace: the other side of a comparison. */
  readonly oracle: (sql: string) => Promise<readonly (readonly Cell[])[]>
}

const dataFolder = join(import.meta.dirname, '../../../../../../../shared/data')

/** Absolute path of a file of the shared test data, and whether it is there. */
export function sharedData(path: string): { readonly path: string; readonly present: boolean } {
  const full = join(dataFolder, path)
  return { path: full, present: existsSync(full) }
}

/** @param source a path, or CSV text with its header */
export async function openTestTable(source: { path: string } | { csv: string }): Promise<TestTable> {
  const files = await openFiles()
  const profile =
    'path' in source ? await files.profile(source.path) : await files.profile('table.csv', source.csv)
  const runAll: TestTable['runAll'] = async (queries) => {
    const tables = [{ name: 'data', fileId: profile.fileId }]
    const results = await files.run({ tables, prepare: [], queries })
    return new Map(results.map((result) => [result.id, result]))
  }
  return {
    profile,
    runAll,
    async run(sql, id = 'test') {
      const result = (await runAll([{ id, sql }])).get(id)
      if (result === undefined) throw new Error('a query without a result')
      return result
    },
    oracle,
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  }
}

async function oracle(sql: string): Promise<readonly (readonly Cell[])[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowsJson().map((row) => row.map((cell) => cell as Cell))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
