import {
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  StatementType,
} from '@duckdb/node-api'
import type { Cell } from '@holdfast/protocol'
import { quoteName, quoteText } from '../casts.ts'
import { fileDatabase, jobFiles, type QueryJob, type QueryRows } from '../child-jobs.ts'
import type { SqlLimits } from '../sql-limits.ts'
import { cellOf } from './cell.ts'
import { type Database, lock, openDatabase, readRows } from './duckdb.ts'
import { refusalOf, selectStatementType } from './gate.ts'
import { JobError } from './job-error.ts'

/**
 * Load and lock: attach the files' databases read-only, then forbid everything outside, lock that, and give up root.
 * (Or the child has loaded the table itself and holds it, locked in the same way: hold-table.ts.) Gate comes next, in
 * `runQueries`; kill is the parent's part.
 *
 * There is nowhere to spill: a temp directory would stay readable and writable for SQL after the lock.
 */
export async function openLocked(job: QueryJob): Promise<Database> {
  const database = await openDatabase(job.sql, '')
  const { connection } = database
  for (const file of new Set(job.tables.map((table) => table.file)))
    await connection.run(`ATTACH ${quoteText(jobFiles.database(file))} AS ${fileDatabase(file)} (READ_ONLY)`)
  await lock(connection)
  return database
}

/**
 * A connection for one job, and nothing on it but its tables: temporary tables die with the connection that made
 * them, and what else an earlier job of a held table has made is dropped.
 */
export async function connectJob(database: Database, job: QueryJob): Promise<DuckDBConnection> {
  const connection = await database.connect()
  const left = await readRows(
    connection,
    `SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal AND database_name = 'memory'
     UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE database_name = 'memory'`,
  )
  for (const [kind, name] of left)
    await connection.run(`DROP ${String(kind)} memory.main.${quoteName(String(name))}`)
  for (const { name, file } of job.tables)
    await connection.run(
      `CREATE TEMP VIEW ${quoteName(name)} AS SELECT * FROM ${fileDatabase(file)}.main.raw`,
    )
  return connection
}

/** Runs the server's own statements, which the lock binds like any other, then gates and runs each query. */
export async function runQueries(
  connection: DuckDBConnection,
  job: QueryJob,
  send: (result: QueryRows) => Promise<void>,
): Promise<void> {
  for (const statement of job.prepare) await prepare(connection, statement)
  const names = await readRows(
    connection,
    `SELECT lower(view_name) FROM duckdb_views() WHERE NOT internal AND database_name IN ('memory', 'temp')
     UNION SELECT lower(table_name) FROM duckdb_tables() WHERE database_name IN ('memory', 'temp')`,
  )
  const tables = new Set(names.map(([name]) => String(name)))
  for (const query of job.queries) {
    const prepared = await gate(connection, query.sql, tables, job.sql)
    await send({ id: query.id, ...(await fetchRows(await prepared.stream(), query.maxRows, job.sql)) })
  }
}

/** Of a held table there is no read-only: the server's own statements may make views and tables, and nothing else. */
async function prepare(connection: DuckDBConnection, statement: string): Promise<void> {
  const statements = await connection.extractStatements(statement)
  const prepared = statements.count === 1 ? await statements.prepare(0) : null
  if (prepared?.statementType !== StatementType.CREATE)
    throw new JobError('sql_failed', 'A statement that prepares queries has to be one CREATE.')
  await prepared.run()
}

async function gate(
  connection: DuckDBConnection,
  sql: string,
  tables: ReadonlySet<string>,
  limits: SqlLimits,
): Promise<DuckDBPreparedStatement> {
  if (sql.length > limits.sqlLength)
    throw new JobError(
      'sql_refused',
      `A query may have ${limits.sqlLength} characters and this one has ${sql.length}.`,
    )
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1)
    throw new JobError(
      'sql_refused',
      `Exactly one SELECT is allowed, and this is ${statements.count} statements${/\bpivot\b/i.test(sql) ? ' (PIVOT makes its own: name its values with IN (…), in a FROM clause)' : ''}.`,
    )
  // Parsing to JSON runs nothing of the text, so the locked instance itself can do it: it holds no more than the
  // query may see, and a parser crash ends a child that was to run the text anyway.
  const [[serialized] = []] = await readRows(
    connection,
    `SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR`,
  )
  const refusal = refusalOf(JSON.parse(String(serialized)), tables)
  if (refusal !== null) throw new JobError('sql_refused', refusal)
  // Preparing binds the names, so it comes after the gate; DuckDB's own word on the type is the last check.
  const prepared = await statements.prepare(0)
  if (prepared.statementType !== selectStatementType)
    throw new JobError('sql_refused', 'Only SELECT is allowed: nothing can be changed, created or set.')
  if (prepared.parameterCount > 0)
    throw new JobError('sql_refused', 'Parameters ($1, ?) are not allowed: write the values into the query.')
  return prepared
}

async function fetchRows(
  result: DuckDBResult,
  maxRows: number,
  limits: SqlLimits,
): Promise<Omit<QueryRows, 'id'>> {
  const columns = result.deduplicatedColumnNames()
  const rows: Cell[][] = []
  let length = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { columns, rows, truncated: false }
    for (const values of chunk.getRows()) {
      if (rows.length >= maxRows || length > limits.resultLength) return { columns, rows, truncated: true }
      const row = values.map((value) => cellOf(value, limits.cellLength))
      for (const cell of row) length += typeof cell === 'string' ? cell.length : 8
      rows.push(row)
    }
  }
}
