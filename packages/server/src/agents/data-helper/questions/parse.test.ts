import { fileId } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqlResult } from '../../../workspace/workspace.ts'
import type { FileMapping } from '../field-mapping.ts'
import { parseSimpleQuestion } from './parse.ts'
import { describe as describeReading, type SimpleReading } from './reading.ts'
import { readingSql } from './reading-sql.ts'
import { openTestTable, sharedData, type TestTable } from './test-table.ts'

const generic = sharedData('synthetic-exports/generic_requests.csv')

function read(table: TestTable, question: string, choices: Record<string, string> = {}): SimpleReading {
  const parsed = parseSimpleQuestion(question, {
    tableName: 'data',
    profile: table.profile,
    choices: new Map(Object.entries(choices)),
  })
  if (!parsed.ok) throw new Error(`not read: ${question}: ${parsed.why}`)
  return parsed.reading
}

async function rowsOf(table: TestTable, question: string): Promise<readonly (readonly unknown[])[]> {
  return (await table.run(readingSql(read(table, question)))).rows
}

describe.skipIf(!generic.present)('simple questions on generic_requests.csv (needs ../shared/data)', () => {
  let table: TestTable
  beforeAll(async () => {
    table = await openTestTable({ path: generic.path })
  })
  afterAll(() => table[Symbol.asyncDispose]())

  // The SQL beside each question is written by hand and shares nothing with the parser: DuckDB types the file itself.
  const from = `FROM read_csv('${generic.path}')`
  const golden: readonly (readonly [string, string])[] = [
    ['average latency by tenant', `SELECT tenant, avg(latency_ms) ${from} GROUP BY 1 ORDER BY 2 DESC`],
    ['total cost by model', `SELECT model, sum(cost_usd) ${from} GROUP BY 1 ORDER BY 2 DESC`],
    ['top 5 features by cost', `SELECT feature, sum(cost_usd) ${from} GROUP BY 1 ORDER BY 2 DESC LIMIT 5`],
    ['how many requests failed with 429', `SELECT count(*)::DOUBLE ${from} WHERE status = 429`],
    [
      'total cost by tenant excluding acme',
      `SELECT tenant, sum(cost_usd) ${from} WHERE tenant <> 'acme' GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'average latency by model, except tenant acme and globex',
      `SELECT model, avg(latency_ms) ${from} WHERE tenant NOT IN ('acme', 'globex') GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'average latency by model, ignoring the acme tenant',
      `SELECT model, avg(latency_ms) ${from} WHERE tenant <> 'acme' GROUP BY 1 ORDER BY 2 DESC`,
    ],
    ['total cost excluding failed requests', `SELECT sum(cost_usd) ${from} WHERE status < 400`],
    ['how many requests without errors', `SELECT count(*)::DOUBLE ${from} WHERE status < 400`],
    [
      'total cost excluding acme, in October',
      `SELECT sum(cost_usd) ${from} WHERE tenant <> 'acme' AND timestamp >= '2026-10-01' AND timestamp < '2026-11-01'`,
    ],
    ['how many requests without gpt-5', `SELECT count(*)::DOUBLE ${from} WHERE model <> 'gpt-5'`],
    ['how many requests failed', `SELECT count(*)::DOUBLE ${from} WHERE status >= 400`],
    [
      'p95 latency for tenant acme in October',
      `SELECT quantile_cont(latency_ms, 0.95) ${from} WHERE tenant = 'acme' AND timestamp >= '2026-10-01' AND timestamp < '2026-11-01'`,
    ],
    ['cost per day', `SELECT strftime(timestamp, '%Y-%m-%d'), sum(cost_usd) ${from} GROUP BY 1 ORDER BY 1`],
    [
      'share of requests by model',
      `SELECT model, count(*) / (SELECT count(*) ${from}) ${from} GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'median prompt tokens by feature and model',
      `SELECT feature, model, median(prompt_tokens) ${from} GROUP BY 1, 2 ORDER BY 3 DESC`,
    ],
    ['avrage latnecy by tennant', `SELECT tenant, avg(latency_ms) ${from} GROUP BY 1 ORDER BY 2 DESC`],
    [
      'what is the error rate by model',
      `SELECT model, avg((status >= 400)::INT) ${from} GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'what share of the cost is acme',
      `SELECT sum(cost_usd) FILTER (WHERE tenant = 'acme') / sum(cost_usd) ${from}`,
    ],
    ['how many distinct features', `SELECT count(DISTINCT feature)::DOUBLE ${from}`],
    [
      'how much did acme spend since 2026-10-30',
      `SELECT sum(cost_usd) ${from} WHERE tenant = 'acme' AND timestamp >= '2026-10-30'`,
    ],
    [
      'total cost by model over the last 7 days of the data',
      `SELECT model, sum(cost_usd) ${from} WHERE timestamp >= '2026-10-25' GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'average latency by model where completion_tokens >= 100 and status is 200',
      `SELECT model, avg(latency_ms) ${from} WHERE completion_tokens >= 100 AND status = 200 GROUP BY 1 ORDER BY 2 DESC`,
    ],
    [
      'how many requests took longer than 10 seconds',
      `SELECT count(*)::DOUBLE ${from} WHERE latency_ms > 10000`,
    ],
    [
      'bottom 2 tenants by average latency',
      `SELECT tenant, avg(latency_ms) ${from} GROUP BY 1 ORDER BY 2 LIMIT 2`,
    ],
    [
      'requests per hour on 17 October 2026',
      `SELECT strftime(timestamp, '%Y-%m-%dT%H:00:00Z'), count(*)::DOUBLE ${from} WHERE timestamp >= '2026-10-17' AND timestamp < '2026-10-18' GROUP BY 1 ORDER BY 1`,
    ],
    [
      'number of requests where finish_reason is missing',
      `SELECT count(*)::DOUBLE ${from} WHERE finish_reason IS NULL`,
    ],
    [
      'cost for acme and globex between 2026-09-10 and 2026-09-12',
      `SELECT sum(cost_usd) ${from} WHERE tenant IN ('acme', 'globex') AND timestamp >= '2026-09-10' AND timestamp < '2026-09-13'`,
    ],
    [
      'requests with status not equal to 200 by model',
      `SELECT model, count(*)::DOUBLE ${from} WHERE status <> 200 GROUP BY 1 ORDER BY 2 DESC`,
    ],
    ['average latency when model contains mini', `SELECT avg(latency_ms) ${from} WHERE model LIKE '%mini%'`],
  ]

  let answers: ReadonlyMap<string, SqlResult>
  beforeAll(async () => {
    answers = await table.runAll(
      golden.map(([question]) => ({ id: question, sql: readingSql(read(table, question)) })),
    )
  })

  it.each(golden)('gives what independent SQL gives: %s', async (question, sql) => {
    const expected = await table.oracle(sql)
    const actual = answers.get(question)?.rows ?? []
    expect(actual.length).toBe(expected.length)
    for (const [index, row] of expected.entries()) {
      for (const [at, cell] of row.entries()) {
        const got = actual[index]?.[at]
        if (typeof cell === 'number') expect(got, `${question} row ${index}`).toBeCloseTo(cell, 9)
        else expect(got).toBe(cell)
      }
    }
  })

  it('says what it read', () => {
    expect(describeReading(read(table, 'average latency by tenant'))).toBe(
      'I read this as: mean of latency_ms by tenant, over all 4,457 rows',
    )
    expect(describeReading(read(table, 'p95 latency for tenant acme in October'))).toBe(
      'I read this as: p95 of latency_ms, over the rows of 4,457 where tenant is acme, from 2026-10-01 and before 2026-11-01 UTC by timestamp',
    )
  })

  it('counts the rows whose measure is missing beside the figure', async () => {
    const result = await table.run(readingSql(read(table, 'average ttft by model')))
    expect(result.columns).toEqual(['model', 'mean_ttft_ms', 'rows', 'left_out'])
    expect(result.rows.map((row) => row[3])).toEqual([5, 257, 0])
  })

  it('knows the unit of the measure', () => {
    expect(read(table, 'average latency by tenant').measure?.unit).toBe('ms')
    expect(read(table, 'total cost by model').measure?.unit).toBe('USD')
    expect(read(table, 'median prompt tokens').measure?.unit).toBe('tokens')
  })

  it.each([
    ['average latency by tenant excluding cached tokens', 'excluding'],
    ['average latency by tenant except the slowest', 'two figures'],
    ['total cost without acme for globex', 'two conditions'],
    ['p95 latency without 429s and acme', '“acme” is left out as well'],
    ['total cost excluding acme, gpt-5', '“gpt-5” is left out as well'],
    ['total cost excluding acme and October', 'October'],
    ['how many requests excluding acme and failed requests', '“failed” is left out as well'],
    ['cost by model compared to September', 'compared'],
    ['forecast cost by day', 'forecast'],
    ['total requests by tenant or model', 'or'],
    ['requests that did not fail', 'not'],
    ["how many requests didn't fail", 'not'],
    ['cost in euros', 'euros'],
    ['average latency for globex at 3pm', '3pm'],
    ['p50 and p95 latency by model', 'two figures'],
    ['average latency and cost by model', 'cost_usd'],
    ['cost for tenant umbrella', 'umbrella'],
    ['cost by region', 'region'],
    ['what did we spend yesterday', 'yesterday'],
    ['cost by model last month', 'last month'],
    ['cost by model in March', 'mar'],
    ['Why is it slow, what is our p95?', 'why'],
    ['Where does the money go?', 'where'],
    ['total cost 2026', '2026'],
    ['cost by request and tenant and model', ''],
    ['share of failed requests by model', 'failure rate'],
    ['average requests', 'one group that is counted'],
    ['growth of cost by month', 'growth'],
    ['cumulative cost by day', 'cumulative'],
    ['cost by latency', 'too many'],
    ['latency over $5 by model', 'ms'],
    ['latency', 'figure'],
    ['write me a poem', 'write'],
    ["'; DROP TABLE data; --", ''],
    ['SELECT count(*) FROM data', 'SELECT'],
    ['', 'empty'],
    ['cost '.repeat(200), 'words'],
  ])('does not answer what it does not fully understand: %s', (question, says) => {
    const parsed = parseSimpleQuestion(question, { tableName: 'data', profile: table.profile })
    if (parsed.ok) throw new Error(describeReading(parsed.reading))
    expect(parsed.why.toLowerCase()).toContain(says.toLowerCase())
    expect(parsed.question).toBeNull()
  })

  it('offers questions that it can read itself', async () => {
    const parsed = parseSimpleQuestion('cost in euros', { tableName: 'data', profile: table.profile })
    if (parsed.ok) throw new Error('should not be read')
    expect(parsed.nearest.length).toBeGreaterThan(2)
    for (const question of parsed.nearest) expect((await rowsOf(table, question)).length).toBeGreaterThan(0)
  })

  it('asks which column is meant where several are level, and uses the choice', () => {
    const parsed = parseSimpleQuestion('total tokens by model', { tableName: 'data', profile: table.profile })
    if (parsed.ok) throw new Error('should ask')
    expect(parsed.question?.choices.map((choice) => choice.value)).toEqual([
      'prompt_tokens',
      'cached_tokens',
      'completion_tokens',
    ])
    const id = parsed.question?.id ?? ''
    expect(read(table, 'total tokens by model', { [id]: 'completion_tokens' }).measure?.label).toBe(
      'completion_tokens',
    )
  })

  it('asks whether “per” means rows or totals, and uses the choice', () => {
    const parsed = parseSimpleQuestion('average cost per day', { tableName: 'data', profile: table.profile })
    expect(parsed.ok ? null : parsed.question?.id).toBe('per:cost_usd')
    expect(read(table, 'average cost per day', { 'per:cost_usd': 'totals' }).aggregate.kind).toBe('sum')
    expect(read(table, 'average cost per day', { 'per:cost_usd': 'rows' }).aggregate.kind).toBe('mean')
  })
})

describe('simple questions on other tables', () => {
  it('escapes names and values that would break out of the SQL', async () => {
    await using table = await openTestTable({ csv: `who"s; DROP,amount\no'brien,1\nsmith,2\n` })
    expect(await rowsOf(table, 'total amount by who s drop')).toEqual([
      ['smith', 2, 1, 0],
      ["o'brien", 1, 1, 0],
    ])
    expect(await rowsOf(table, `sum of amount for "o'brien"`)).toEqual([[1, 1, 0]])
  })

  it('leaves out values that are no numbers, and counts them', async () => {
    const good = Array.from({ length: 38 }, (_, index) => `a,${index + 1}`).join('\n')
    await using table = await openTestTable({ csv: `team,score\n${good}\na,n/a\na,\n` })
    expect(await rowsOf(table, 'average score by team')).toEqual([['a', 19.5, 38, 2]])
  })

  it('asks how to read dates that fit two orders', async () => {
    await using table = await openTestTable({ csv: 'when,sales\n01/02/2026,5\n03/04/2026,7\n' })
    const parsed = parseSimpleQuestion('sales by day', { tableName: 'data', profile: table.profile })
    expect(parsed.ok ? null : parsed.question?.id).toBe('reading:when')
    const chosen = read(table, 'sales by day', { 'reading:when': 'date_mdy' })
    expect((await table.run(readingSql(chosen))).rows.map((row) => row[0])).toEqual([
      '2026-01-02',
      '2026-03-04',
    ])
  })

  it('asks for the aggregate where the words do not tell whether adding up makes sense', async () => {
    await using table = await openTestTable({ csv: 'city,points\na,1\na,2\nb,3\n' })
    const parsed = parseSimpleQuestion('points by city', { tableName: 'data', profile: table.profile })
    expect(parsed.ok ? null : parsed.question?.id).toBe('aggregate:points')
  })

  it('asks for the column of a value that several columns hold', async () => {
    await using table = await openTestTable({ csv: 'buyer,seller,amount\nacme,globex,1\nglobex,acme,2\n' })
    const parsed = parseSimpleQuestion('total amount for acme', { tableName: 'data', profile: table.profile })
    expect(parsed.ok ? null : parsed.question?.choices.map((choice) => choice.value)).toEqual([
      'buyer',
      'seller',
    ])
    expect(await rowsOf(table, 'total amount for seller acme')).toEqual([[2, 1, 0]])
  })

  it('finds gpt-5 where a gateway writes openai/gpt-5, and not where that is two models', async () => {
    await using table = await openTestTable({ csv: 'model,cost\nopenai/gpt-5,1\nopenai/gpt-5-mini,2\n' })
    expect(await rowsOf(table, 'total cost for gpt-5')).toEqual([[1, 1, 0]])
    await using two = await openTestTable({ csv: 'model,cost\nopenai/gpt-5,1\nazure/gpt-5,2\n' })
    expect(parseSimpleQuestion('total cost for gpt-5', { tableName: 'data', profile: two.profile }).ok).toBe(
      false,
    )
  })

  it('asks which time column tells when', async () => {
    await using table = await openTestTable({ csv: 'started,ended,cost\n2026-01-01,2026-01-02,3\n' })
    const parsed = parseSimpleQuestion('cost by day', { tableName: 'data', profile: table.profile })
    expect(parsed.ok ? null : parsed.question?.id).toBe('column:time')
  })

  it('does not mistake whole numbers for epochs or ids for measures', async () => {
    await using table = await openTestTable({ csv: 'population,region\n1700000000,x\n1600000000,y\n' })
    expect(await rowsOf(table, 'total population by region')).toEqual([
      ['x', 1_700_000_000, 1, 0],
      ['y', 1_600_000_000, 1, 0],
    ])
  })
})

describe('simple questions through a mapping', () => {
  const csv =
    'startTime,endTime,spend,team_id,kind\n2026-01-01T00:00:00Z,2026-01-01T00:00:02Z,1,a,call\n2026-01-01T00:01:00Z,2026-01-01T00:01:04Z,2,b,call\n2026-01-01T00:02:00Z,2026-01-01T00:02:09Z,4,b,total\n'
  const field = (name: string, columns: string[], sql: string) => ({
    field: name as 'latency_ms',
    columns,
    confidence: 0.95,
    evidence: 'test',
    sql,
    parsed: 1,
    estimated: false,
  })
  const mapping: FileMapping = {
    fileId: fileId('fil_01JD0000000000000000000001'),
    fileName: 'table.csv',
    format: null,
    grain: 'request',
    rows: 3,
    vendor: null,
    timeStep: 'second',
    ok: null,
    failures: null,
    span: null,
    models: null,
    fields: {
      time: field('time', ['startTime'], `try_cast("startTime" AS TIMESTAMP)`) as never,
      tenant: field('tenant', ['team_id'], `"team_id"`) as never,
      cost_usd: field('cost_usd', ['spend'], `try_cast("spend" AS DOUBLE) / 100`) as never,
      latency_ms: field(
        'latency_ms',
        ['startTime', 'endTime'],
        `date_diff('millisecond', try_cast("startTime" AS TIMESTAMP), try_cast("endTime" AS TIMESTAMP))::DOUBLE`,
      ),
    },
    questions: [],
    keep: `"kind" <> 'total'`,
    notes: [],
  }

  it('computes derived fields in their unit and leaves out the rows the mapping leaves out', async () => {
    await using table = await openTestTable({ csv })
    const parsed = parseSimpleQuestion('average latency by tenant', {
      tableName: 'data',
      profile: table.profile,
      mapping,
    })
    if (!parsed.ok) throw new Error(parsed.why)
    expect(describeReading(parsed.reading)).toContain('over all rows that count, of 3')
    const result = await table.run(readingSql(parsed.reading))
    expect(result.columns).toEqual(['team_id', 'mean_latency_ms', 'rows', 'left_out'])
    expect(result.rows).toEqual([
      ['b', 4000, 1, 0],
      ['a', 2000, 1, 0],
    ])
    expect(parsed.reading.measure?.unit).toBe('ms')
  })

  it('shows a converted column under the name of what it now holds', async () => {
    await using table = await openTestTable({ csv })
    const parsed = parseSimpleQuestion('total spend', { tableName: 'data', profile: table.profile, mapping })
    if (!parsed.ok) throw new Error(parsed.why)
    const result = await table.run(readingSql(parsed.reading))
    expect(result.columns[0]).toBe('total_cost_usd')
    expect(result.rows[0]?.[0]).toBeCloseTo(0.03)
  })

  it('leaves an estimated cost to the playbook that knows prices', async () => {
    await using table = await openTestTable({ csv: 'model,tokens\na,1\nb,2\n' })
    const estimated = { ...field('cost_usd', ['model', 'tokens'], ''), estimated: true } as never
    const parsed = parseSimpleQuestion('total cost by model', {
      tableName: 'data',
      profile: table.profile,
      mapping: { ...mapping, fields: { cost_usd: estimated }, keep: null },
    })
    expect(parsed.ok ? null : parsed.why).toContain('only be estimated')
  })

  it('compares status codes as numbers although the mapped status is text', async () => {
    await using table = await openTestTable({ csv: 'status,id\n200,a\n429,b\n500,c\n' })
    const status = field('status', ['status'], `nullif(trim("status"), '')`) as never
    const parsed = parseSimpleQuestion('how many requests failed', {
      tableName: 'data',
      profile: table.profile,
      mapping: { ...mapping, fields: { status }, keep: null },
    })
    if (!parsed.ok) throw new Error(parsed.why)
    expect((await table.run(readingSql(parsed.reading))).rows[0]?.[0]).toBe(2)
  })

  it('takes a recognised export at its word on what succeeded', async () => {
    await using table = await openTestTable({ csv: 'status,id\n429,b\n500,c\n,d\n,e\n,f\n' })
    const status = field('status', ['status'], `nullif(trim("status"), '')`) as never
    const parsed = parseSimpleQuestion('how many requests succeeded', {
      tableName: 'data',
      profile: table.profile,
      mapping: { ...mapping, format: 'spans', ok: `"status" IS NULL`, fields: { status }, keep: null },
    })
    if (!parsed.ok) throw new Error(parsed.why)
    expect((await table.run(readingSql(parsed.reading))).rows[0]?.[0]).toBe(3)
  })

  it('passes on the open question of a field instead of guessing its unit', async () => {
    await using table = await openTestTable({ csv: 'duration,tenant\n3,a\n5,b\n' })
    const choices = [
      { value: 'ms', label: 'milliseconds' },
      { value: 's', label: 'seconds' },
    ]
    const open = { id: 'unit:duration', text: 'Which unit?', choices, field: 'latency_ms' } as const
    const undecided: FileMapping = { ...mapping, fields: {}, questions: [open], keep: null }
    const parsed = parseSimpleQuestion('average latency by tenant', {
      tableName: 'data',
      profile: table.profile,
      mapping: undecided,
    })
    expect(parsed.ok ? null : parsed.question?.id).toBe('unit:duration')
  })

  it('sums the column of requests where a row is a bucket, and refuses to count rows as requests', async () => {
    await using table = await openTestTable({
      csv: 'day,num_model_requests,model\n2026-01-01,10,x\n2026-01-01,32,y\n',
    })
    const bucketed: FileMapping = { ...mapping, grain: 'day', keep: null, fields: {} }
    const info = { tableName: 'data', profile: table.profile }
    const refused = parseSimpleQuestion('how many requests', { ...info, mapping: bucketed })
    expect(refused.ok).toBe(false)
    const counted: FileMapping = {
      ...bucketed,
      fields: {
        request_count: field(
          'request_count',
          ['num_model_requests'],
          `try_cast("num_model_requests" AS DOUBLE)`,
        ) as never,
      },
    }
    const parsed = parseSimpleQuestion('how many requests', { ...info, mapping: counted })
    if (!parsed.ok) throw new Error(parsed.why)
    expect((await table.run(readingSql(parsed.reading))).rows[0]?.[0]).toBe(42)
  })
})
