import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Cell, type FileId, fileId } from '@holdfast/protocol'
import { castNames, casts, quoteName, quoteText } from '../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import type { SqlResult } from '../../../workspace/workspace.ts'

/** A raw table as the workspace makes it (all VARCHAR), its profile, and a way to ask it. For tests only. */
export interface TestTable extends AsyncDisposable {
  readonly profile: FileProfile
  readonly run: (sql: string, id?: string) => Promise<SqlResult>
}

const dataFolder = join(import.meta.dirname, '../../../../../../../shared/data')

/** Absolute path of a file of the shared test data, and whether it is there. */
export function sharedData(path: string): { readonly path: string; readonly present: boolean } {
  const full = join(dataFolder, path)
  return { path: full, present: existsSync(full) }
}

export const testFileId: FileId = fileId('fil_01JD0000000000000000000001')

/** @param source a path, or CSV text with its header */
export async function openTestTable(
  source: { path: string } | { csv: string },
  name = 'data',
): Promise<TestTable> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  const run = async (sql: string, id = 'test'): Promise<SqlResult> => {
    const reader = await connection.runAndReadAll(sql)
    const rows = reader.getRowsJson().map((row) => row.map((cell) => cell as Cell))
    return { id, sql, columns: reader.columnNames(), rows, truncated: false }
  }
  if ('path' in source)
    await connection.run(
      `CREATE TABLE ${quoteName(name)} AS SELECT * FROM read_csv(${quoteText(source.path)}, all_varchar = true, header = true)`,
    )
  else await loadText(connection, name, source.csv)
  const profile = await profileTable(
    run,
    name,
    'path' in source ? (source.path.split('/').at(-1) ?? '') : 'table.csv',
  )
  return {
    profile,
    run,
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      await Promise.resolve()
    },
  }
}

type Connection = Awaited<ReturnType<DuckDBInstance['connect']>>

async function loadText(connection: Connection, name: string, csv: string): Promise<void> {
  const [header, ...lines] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const columns = (header ?? []).map((column) => `${quoteName(column)} VARCHAR`).join(', ')
  await connection.run(`CREATE TABLE ${quoteName(name)} (${columns})`)
  for (let at = 0; at < lines.length; at += 500) {
    const values = lines
      .slice(at, at + 500)
      .map((cells) => `(${cells.map((cell) => (cell === '' ? 'NULL' : quoteText(cell))).join(', ')})`)
    await connection.run(`INSERT INTO ${quoteName(name)} VALUES ${values.join(', ')}`)
  }
}

async function profileTable(run: TestTable['run'], table: string, fileName: string): Promise<FileProfile> {
  const from = quoteName(table)
  const described = await run(`DESCRIBE ${from}`)
  const names = described.rows.map((row) => String(row[0]))
  const count = await run(`SELECT count(*)::DOUBLE FROM ${from}`)
  const columns: ColumnProfile[] = []
  for (const name of names) columns.push(await profileColumn(run, from, name))
  return {
    fileId: testFileId,
    fileName,
    kind: 'csv',
    rows: Number(count.rows[0]?.[0]),
    columns,
    layout: { encoding: 'utf-8', compression: 'none', rejectedRows: 0 },
    problems: [],
  }
}

async function profileColumn(run: TestTable['run'], from: string, name: string): Promise<ColumnProfile> {
  const column = quoteName(name)
  const counts = castNames.map((cast) => `count(${casts[cast].sql(column)})::DOUBLE`)
  const [row = []] = (
    await run(
      `SELECT count(*) FILTER (WHERE trim(${column}) <> '')::DOUBLE, count(DISTINCT ${column})::DOUBLE, ${counts.join(', ')} FROM ${from}`,
    )
  ).rows
  const filled = Number(row[0])
  const all = castNames
    .map((cast, index) => ({ cast, count: Number(row[index + 2]) }))
    .filter((parse) => parse.count > 0 && parse.count >= filled / 2)
    .sort((one, other) => other.count - one.count)
  const parses: typeof all = []
  for (const parse of all) {
    const same = parses.find(
      (kept) => casts[kept.cast].kind === casts[parse.cast].kind && kept.count === parse.count,
    )
    if (same !== undefined) {
      const differ = await run(
        `SELECT count(*)::DOUBLE FROM ${from} WHERE ${casts[same.cast].sql(column)} IS DISTINCT FROM ${casts[parse.cast].sql(column)}`,
      )
      if (Number(differ.rows[0]?.[0]) === 0) continue
    }
    parses.push(parse)
  }
  const top = await run(
    `SELECT ${column}, count(*)::DOUBLE FROM ${from} WHERE trim(${column}) <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`,
  )
  const values = top.rows.map(([value, count]) => ({ value: String(value), count: Number(count) }))
  const numeric = parses.find((parse) => casts[parse.cast].kind === 'number')
  const time = parses.find((parse) => casts[parse.cast].kind === 'time')
  return {
    name,
    filled,
    distinct: Number(row[1]),
    samples: values.slice(0, 5).map((each) => each.value),
    parses,
    top: values,
    ...(numeric === undefined
      ? {}
      : { numeric: await numericSummary(run, from, casts[numeric.cast].sql(column)) }),
    ...(time === undefined ? {} : { time: await timeSummary(run, from, casts[time.cast].sql(column)) }),
  }
}

async function numericSummary(
  run: TestTable['run'],
  from: string,
  value: string,
): Promise<NonNullable<ColumnProfile['numeric']>> {
  const [row = []] = (
    await run(
      `SELECT min(v), max(v), avg(v), median(v), quantile_cont(v, 0.95), count(*) FILTER (WHERE v = 0)::DOUBLE,
        count(*) FILTER (WHERE v < 0)::DOUBLE, bool_and(v = floor(v)) FROM (SELECT ${value} AS v FROM ${from})`,
    )
  ).rows
  const [min, max, mean, p50, p95, zeros, negatives] = row.map(Number)
  return {
    min: min ?? 0,
    max: max ?? 0,
    mean: mean ?? 0,
    p50: p50 ?? 0,
    p95: p95 ?? 0,
    zeros: zeros ?? 0,
    negatives: negatives ?? 0,
    allIntegers: row[7] === true,
  }
}

async function timeSummary(
  run: TestTable['run'],
  from: string,
  value: string,
): Promise<NonNullable<ColumnProfile['time']>> {
  const iso = (aggregate: string): string => `strftime(${aggregate}(${value}), '%Y-%m-%dT%H:%M:%SZ')`
  const [row = []] = (await run(`SELECT ${iso('min')}, ${iso('max')} FROM ${from}`)).rows
  return { min: String(row[0]), max: String(row[1]), medianStepSeconds: null }
}
