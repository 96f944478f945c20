import { HoldfastError } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { looksLikeSql, withCastHint } from './sql-message.ts'

test.each([
  'SELECT * FROM data',
  'select 1',
  '-- costs\nSELECT model, sum(cost) FROM data GROUP BY ALL;',
  'WITH t AS (SELECT 1) SELECT * FROM t',
  'FROM data',
  "SELECT * FROM read_csv('/etc/passwd')",
  "COPY data TO '/tmp/x.csv'",
  "ATTACH '/tmp/x.db' AS x",
  'INSTALL httpfs',
  'SET memory_limit = 1',
  'CREATE TABLE t AS SELECT 1',
  'PRAGMA version',
])('%s is SQL', (text) => expect(looksLikeSql(text)).toBe(true))

test.each([
  'Where does the money go?',
  'with this file, what is our p95?',
  'from which tenant do most requests come?',
  'set up an alert for cost',
  'update me on costs',
  'describe this data',
  'describe the columns of my file',
  'select the best model for us?',
  'load per minute?',
  'values by tenant',
])('%s is a question', (text) => expect(looksLikeSql(text)).toBe(false))

test('SQL that takes text for numbers is told that every column is text', () => {
  const said = "Binder Error: No function matches 'sum(VARCHAR)'. You might need casts. Candidate functions:"
  expect(withCastHint(new HoldfastError('sql_failed', said))).toMatchObject({
    code: 'sql_failed',
    message:
      "Binder Error: No function matches 'sum(VARCHAR)'. You might need casts. Every column here is text: cast it first, as in TRY_CAST(cost AS DOUBLE).",
  })
  const other = new HoldfastError('sql_failed', 'Binder Error: there is no column "nope"')
  expect(withCastHint(other)).toBe(other)
})
