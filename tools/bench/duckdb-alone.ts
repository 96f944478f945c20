/**
 * The peer of `bench ask`: DuckDB with its default settings in a process of its own, doing what an analyst would type
 * for the same answer. Load, profile, type, query. Prints one JSON object of seconds.
 *
 *   node duckdb-alone.ts FILE PRICES QUERIES     PRICES: SQL of the table of list prices; QUERIES: JSON text of the SQL
 *                                                the answer was computed with
 */
import { DuckDBInstance } from '@duckdb/node-api'

const [file = '', prices = '', queries = '[]'] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
const seconds: Record<string, number> = {}

async function step(name: string, statements: readonly string[]): Promise<void> {
  const began = performance.now()
  for (const statement of statements) await connection.runAndReadAll(statement)
  seconds[name] = (performance.now() - began) / 1000
}

await step('load', [
  `CREATE TABLE raw AS SELECT * FROM read_csv('${file.replaceAll("'", "''")}', all_varchar = true)`,
])
await step('profile', ['SUMMARIZE raw'])
await step('type', [
  `CREATE TEMP TABLE usage AS SELECT
     timestamp::TIMESTAMP AS time, model, provider, tenant, feature, request_id, status,
     prompt_tokens::DOUBLE AS input_tokens, completion_tokens::DOUBLE AS output_tokens,
     cost_usd::DOUBLE AS cost_usd, latency_ms::DOUBLE AS latency_ms, nullif(ttft_ms, '')::DOUBLE AS ttft_ms,
     status::INTEGER < 400 AS ok
   FROM raw`,
  prices,
])
await step('query', JSON.parse(queries) as string[])
console.log(JSON.stringify(seconds))
