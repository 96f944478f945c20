import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, test } from 'vitest'
import { quoteText } from '../casts.ts'
import { isDeniedFunction, refusalOf } from './gate.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect()
})

async function gate(sql: string): Promise<string | null> {
  const reader = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR`)
  return refusalOf(JSON.parse(String(reader.getRowsJson()[0]?.[0])), new Set(['t', 'my view']))
}

describe('passes what only computes on the tables', () => {
  test.each([
    'SELECT count(*) FROM t',
    'SELECT * FROM T, "My View"',
    'SELECT a FROM t UNION ALL SELECT b FROM t ORDER BY 1 LIMIT 5 OFFSET 2',
    'WITH a AS (SELECT * FROM t), b AS MATERIALIZED (SELECT * FROM a) SELECT * FROM b JOIN a USING (x)',
    'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r',
    'SELECT * FROM t WHERE x IN (SELECT y FROM t) AND EXISTS (FROM t)',
    'SELECT x, row_number() OVER (PARTITION BY y ORDER BY z) FROM t QUALIFY row_number() OVER () < 3',
    'SELECT quantile_cont(x, [0.5, 0.95]) FILTER (x > 0), sum(x) FROM t GROUP BY ROLLUP (y) HAVING count(*) > 1',
    'SELECT * FROM range(10) r(n), LATERAL (SELECT n + 1)',
    'SELECT * FROM generate_series(1, 3), unnest([1, 2]) u(x)',
    'SELECT unnest([1, 2]), CASE WHEN x THEN 1 ELSE 2 END, x::DECIMAL(9, 2), try_cast(y AS TIMESTAMP), x::INT[] FROM t',
    "SELECT list_transform([1], lambda x: x + 1), COLUMNS(c -> c LIKE 'a%') FROM t",
    'SELECT * EXCLUDE (a) REPLACE (b AS c) FROM t',
    'SELECT DISTINCT ON (a) * FROM t ORDER BY a DESC NULLS LAST',
    'SELECT * FROM t POSITIONAL JOIN t u',
    'SELECT * FROM t ASOF JOIN t u ON t.x >= u.x',
    "SELECT * FROM (PIVOT t ON a IN ('x', 'y') USING sum(b) GROUP BY c)",
    'SELECT * FROM (UNPIVOT t ON a, b INTO NAME n VALUE v)',
    'SELECT * FROM t USING SAMPLE 10 ROWS',
    'VALUES (1), (2)',
    'FROM t',
    "SELECT 'SELECT * FROM read_csv(''/etc/passwd'')' AS text",
    "SELECT date_trunc('hour', x), strftime(x, '%H'), INTERVAL 1 HOUR, now(), random() FROM t",
  ])('%s', async (sql) => {
    expect(await gate(sql)).toBeNull()
  })
})

describe('refuses everything else', () => {
  test.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM parquet_scan('x')",
    "FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM glob('/*')",
    "SELECT * FROM enable_logging('QueryLog')",
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_tables',
    'SELECT * FROM sqlite_master',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM pg_catalog.pg_class',
    'SELECT * FROM main.t',
    'SELECT * FROM memory.main.t',
    'SELECT * FROM memory.t',
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('t')",
    'SELECT * FROM pragma_version()',
    'SELECT * FROM histogram(t, x)',
    'SELECT * FROM checkpoint()',
    'SELECT * FROM test_all_types()',
    "SELECT * FROM json_execute_serialized_sql('x')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT current_setting('home_directory')",
    "SELECT getvariable('x')",
    "SELECT GetVariable('x')",
    "SELECT system.main.getvariable('x')",
    "SELECT write_log('x')",
    'SELECT pg_sleep(1)',
    'SELECT sleep_ms(1)',
    "SELECT nextval('s')",
    "SELECT getenv('HOME')",
    'SELECT version()',
    "SELECT json_serialize_plan('SELECT 1')",
    "COPY t TO '/tmp/x'",
    "ATTACH '/tmp/x'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'PRAGMA database_list',
    'SET threads = 1',
    'SET VARIABLE x = 1',
    'CALL pragma_version()',
    'CREATE TABLE x AS SELECT 1',
    'DROP VIEW t',
    'INSERT INTO t VALUES (1)',
    "EXPORT DATABASE '/tmp/x'",
    'EXPLAIN SELECT 1',
    "EXPLAIN ANALYZE COPY t TO '/tmp/x'",
    'SUMMARIZE t',
    'DESCRIBE t',
    'SHOW TABLES',
    'SELECT * FROM (SUMMARIZE t)',
    'SELECT * FROM (DESCRIBE t)',
    'SELECT 1; SELECT 2',
    'SELECT $1',
    'SELECT ?',
    'SELECT * FROM t AT (VERSION => 1)',
    '',
  ])('%s', async (sql) => {
    expect(await gate(sql)).not.toBeNull()
  })

  test.each([
    'SELECT (SELECT max(x) FROM %)',
    'SELECT * FROM t WHERE x IN (SELECT x FROM %)',
    'SELECT * FROM t ORDER BY (SELECT count(*) FROM %)',
    'SELECT * FROM t LIMIT (SELECT count(*) FROM %)',
    'SELECT * FROM t JOIN % ON true',
    'SELECT * FROM t JOIN t u ON EXISTS (FROM %)',
    'SELECT * FROM t, LATERAL (SELECT * FROM %)',
    'WITH a AS (SELECT * FROM %) SELECT 1',
    'WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x FROM %) SELECT * FROM r',
    'SELECT 1 UNION ALL SELECT count(*) FROM %',
    'SELECT count(*) OVER (ORDER BY (SELECT 1 FROM %)) FROM t',
    'SELECT count(*) FILTER (EXISTS (FROM %)) FROM t',
    'SELECT list_transform([1], lambda x: (SELECT count(*) FROM %))',
    'SELECT * FROM (VALUES ((SELECT count(*) FROM %)))',
    'SELECT * FROM range((SELECT count(*) FROM %))',
    "SELECT * FROM (PIVOT (SELECT * FROM %) ON a IN ('x') USING count(*))",
    'SELECT ARRAY(SELECT x FROM %)',
    'SELECT * FROM t GROUP BY (SELECT 1 FROM %)',
    'SELECT * FROM t HAVING (SELECT true FROM %)',
  ])('hidden in %s', async (shape) => {
    for (const hidden of ["read_csv('/etc/passwd')", 'duckdb_settings()', 'sqlite_master', '"/etc/passwd"'])
      expect(await gate(shape.replace('%', hidden)), hidden).not.toBeNull()
  })
})

describe('[G2] a WITH name stands for itself only where it is in scope', () => {
  test('inside, it hides a system table of the same name', async () => {
    expect(await gate('WITH sqlite_master AS (SELECT 1) SELECT * FROM sqlite_master')).toBeNull()
  })
  test.each([
    'WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master',
    'SELECT * FROM sqlite_master WHERE 1 IN (WITH sqlite_master AS (SELECT 1) SELECT * FROM sqlite_master)',
    'WITH a AS (SELECT * FROM sqlite_master), sqlite_master AS (SELECT 1) SELECT * FROM a',
    'WITH RECURSIVE sqlite_master AS (SELECT * FROM sqlite_master UNION ALL SELECT * FROM sqlite_master) SELECT 1',
    'SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT 1), sqlite_master',
  ])('outside, it does not: %s', async (sql) => {
    expect(await gate(sql)).toContain('There is no table "sqlite_master"')
  })
})

test('a refusal says what is allowed', async () => {
  expect(await gate("SELECT * FROM read_csv('x')")).toBe(
    'The table function read_csv is not allowed; range, generate_series and unnest are. Tables here: my view, t.',
  )
})

test('[G4] every function of this version that is not a pure computation has been looked at', async () => {
  const reader = await connection.runAndReadAll(`
    SELECT DISTINCT function_name FROM duckdb_functions()
    WHERE (function_type = 'scalar' AND stability <> 'CONSISTENT')
       OR (function_type = 'macro' AND function_name NOT LIKE 'list\\_%' ESCAPE '\\')
       OR regexp_matches(function_name, 'setting|variable|env|sql|log|file|sleep|query|schema|user|role|privilege')`)
  const tables = await connection.runAndReadAll(
    `SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'pragma', 'table_macro')`,
  )
  // Table functions and pragmas are refused by their place, whatever their name.
  const placed = new Set(tables.getRowsJson().map(([name]) => String(name)))
  const open = reader
    .getRowsJson()
    .map(([name]) => String(name))
    .filter((name) => !isDeniedFunction(name) && !placed.has(name))
  expect(open.toSorted()).toEqual(harmless.toSorted())
})

/** Compute on their arguments, the clock or chance; write nothing and read nothing else. */
const harmless = `
  ago array_append array_pop_back array_pop_front array_prepend array_push_back array_push_front
  array_reverse array_to_string array_to_string_comma_default current_date date_add days_in_month
  error fdiv fmod gen_random_uuid generate_subscripts geomean geometric_mean get_current_time
  get_current_timestamp json json_group_array json_group_object json_group_structure log log10 log2
  map_contains_entry map_contains_value md5_number_lower md5_number_upper now nullif parse_filename
  pg_size_pretty pg_typeof random regexp_split_to_table round_even roundbankers split_part today
  transaction_timestamp uuid uuidv4 uuidv7 wavg weighted_avg`
  .trim()
  .split(/\s+/)
