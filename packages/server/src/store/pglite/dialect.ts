import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely'
import { AbortedTransactionError, PGliteAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { preparedName } from '../prepared.ts'
import { typeParser } from '../type-parsers.ts'
import type { PgliteClient } from './client.ts'
import { parameterText } from './parameter-text.ts'

/**
 * kysely on the PGlite worker. The adapter says that there is one connection only, and kysely then lends it to one
 * user at a time: a transaction has the database for itself until it ends.
 */
export function pgliteDialect(client: PgliteClient): Dialect {
  return {
    createAdapter: () => new PGliteAdapter(),
    createDriver: () => pgliteDriver(client),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

function pgliteDriver(client: PgliteClient): Driver {
  const connection: DatabaseConnection = {
    executeQuery: (query) => execute(client, query),
    streamQuery: () => {
      throw new Error('PGlite cannot stream a query; read in pages')
    },
  }
  const command = async (sql: string): Promise<void> => void (await client.query(sql, [], null))
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: (_, { isolationLevel, accessMode }) =>
      command(
        ['begin', isolationLevel && `isolation level ${isolationLevel}`, accessMode]
          .filter(Boolean)
          .join(' '),
      ),
    commitTransaction: async () => {
      const { tag } = await client.query('commit', [], null)
      // A statement failed before: the database answers COMMIT by rolling back, which must not look like success.
      if (tag === 'ROLLBACK') throw new AbortedTransactionError()
    },
    rollbackTransaction: () => command('rollback'),
    releaseConnection: async () => {},
    destroy: () => client.close(),
  }
}

async function execute<Row>(client: PgliteClient, query: CompiledQuery): Promise<QueryResult<Row>> {
  const values = query.parameters.map(parameterText)
  const { fields, rows, tag } = await client.query(query.sql, values, preparedName(query.sql))
  const columns = fields.map(({ name, typeOid }) => ({ name, parse: typeParser(typeOid) }))
  const parsed = rows.map((texts) => {
    const row: Record<string, unknown> = {}
    for (const [index, { name, parse }] of columns.entries()) {
      const text = texts[index] ?? null
      row[name] = text === null ? null : parse(text)
    }
    return row as Row
  })
  const affected = /^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag)?.[1]
  return affected === undefined ? { rows: parsed } : { rows: parsed, numAffectedRows: BigInt(affected) }
}
