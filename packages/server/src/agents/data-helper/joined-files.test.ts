import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileProfile } from '../../workspace/file-profile.ts'
import { openConversation, type Turn } from './testing/conversation.ts'
import { openFiles, type TestFiles } from './testing/open-files.ts'
import { at, requestsCsv, times } from './testing/requests-csv.ts'

/**
 * Planted: 400 requests. acme (enterprise, EU) has 200 of 1 USD, globex (pro, US) 100 of 2 USD, initech (free, EU) 88 of
 * 0.5 USD, and hooli, who is no customer, 12 of 3 USD, all of them in October.
 */
const planted = [
  { tenant: 'acme', count: 200, cost: 1, latency: 1_000, day: '2026-09-01' },
  { tenant: 'globex', count: 100, cost: 2, latency: 3_000, day: '2026-09-02' },
  { tenant: 'initech', count: 88, cost: 0.5, latency: 2_000, day: '2026-09-03' },
  { tenant: 'hooli', count: 12, cost: 3, latency: 9_000, day: '2026-10-01' },
] as const

const requestRows = planted.flatMap(({ tenant, count, cost, latency, day }) =>
  times(count, (index) => ({
    time: at(day, index * 60),
    tenant,
    model: index % 2 === 0 ? 'gpt-5' : 'gpt-5-mini',
    cost_usd: cost,
    latency_ms: latency + index,
  })),
)
const customerRows = [
  { tenant: 'acme', plan: 'enterprise', region: 'EU', seats: 120 },
  { tenant: 'globex', plan: 'pro', region: 'US', seats: 30 },
  { tenant: 'initech', plan: 'free', region: 'EU', seats: 5 },
  { tenant: 'umbrella', plan: 'pro', region: 'US', seats: 8 },
]

describe('two files in one thread', () => {
  let files: TestFiles
  let requests: FileProfile
  let customers: FileProfile
  beforeAll(async () => {
    files = await openFiles()
    requests = await files.profile('requests.csv', requestsCsv(requestRows))
    customers = await files.profile('customers.csv', requestsCsv(customerRows))
  })
  afterAll(() => files[Symbol.asyncDispose]())

  const ask = (question: string): Promise<Turn> => openConversation(files).say(question, requests, customers)
  const rowsOf = ({ report, text }: Turn) => {
    if (report === null) throw new Error(text)
    return report.queries.find(({ id }) => id === 'answer')?.rows.map((row) => row.slice(0, -1))
  }

  test('[D3] the cost of each plan, and of the rows without one', async () => {
    const turn = await ask('total cost by plan')
    expect(rowsOf(turn)).toEqual([
      ['enterprise', 200, 200],
      ['pro', 200, 100],
      ['free', 44, 88],
      ['(none)', 36, 12],
    ])
    expect(turn.text).toContain(
      'I read this as: total of cost_usd by plan, over all 400 rows of requests.csv joined with customers.csv on tenant (388 of 400 rows match).',
    )
    expect(turn.text.replaceAll(/ \[fig:[^\]]+\]|\*\*/g, '')).toContain(
      'Of the 400 rows of requests.csv, 12 have no match in customers.csv; they are under (none).',
    )
    const { report } = turn
    expect(report?.coverage).toMatchObject([
      { file: 'requests.csv', rows: 400, used: true },
      { file: 'customers.csv', rows: 4, used: true },
    ])
    expect(report?.queries.map(({ id, verified }) => [id, verified])).toEqual([
      ['answer', true],
      ['joined_rows', true],
    ])
    expect(report?.queries[0]?.sql).toContain('LEFT JOIN')
    for (const figure of report?.figures ?? []) {
      const query = report?.queries.find(({ id }) => id === figure.query)
      expect(query?.rows[figure.row]?.[query.columns.indexOf(figure.column)]).toBe(figure.value)
    }
  })

  test('groups and a condition of the second file', async () => {
    const turn = await ask('average latency by region for plan enterprise')
    expect(rowsOf(turn)).toEqual([['EU', 1_099.5, 200]])
    expect(turn.text).toContain('left out, as their plan is not known')
  })

  test('a negated condition keeps the rows without a match, and says so', async () => {
    const turn = await ask('total cost where plan is not pro')
    expect(rowsOf(turn)).toEqual([[280, 300]])
    expect(turn.text).toContain('they count as rows without plan')
  })

  test('rows without a match are counted within the window that is asked about', async () => {
    const turn = await ask('total cost by plan in September 2026')
    expect(rowsOf(turn)).toEqual([
      ['enterprise', 200, 200],
      ['pro', 200, 100],
      ['free', 44, 88],
    ])
    expect(turn.text.replaceAll(/ \[fig:[^\]]+\]|\*\*/g, '')).toContain(
      'All 388 rows the question is about have a match in customers.csv.',
    )
  })

  test('requests are counted in the file that has them, not among customers', async () => {
    const turn = await ask('number of requests by plan')
    const answer = turn.report?.queries.find(({ id }) => id === 'answer')
    expect(answer?.rows).toEqual([
      ['enterprise', 200],
      ['pro', 100],
      ['free', 88],
      ['(none)', 12],
    ])
  })

  test('J1: one file that answers alone is not joined', async () => {
    const turn = await ask('how many rows by plan')
    expect(turn.report?.queries.map(({ id }) => id)).toEqual(['answer'])
    expect(turn.report?.queries[0]?.sql).not.toContain('JOIN')
    const told = await ask('join requests and customers on tenant: cost by model')
    expect(told.report?.queries[0]?.sql).not.toContain('JOIN')
    expect(told.report?.caveats).toContain('Requests.csv alone answers this, so nothing was joined.')
  })

  test('J2: a key that is twice in the second file is refused with that key', async () => {
    const doubled = await files.profile(
      'customers.csv',
      requestsCsv([...customerRows, { tenant: 'globex', plan: 'free', region: 'EU', seats: 1 }]),
    )
    const turn = await openConversation(files).say('total cost by plan', requests, doubled)
    expect(turn.report).toBeNull()
    expect(turn.text).toContain('tenant “globex” is in 2 rows of customers.csv')
  })

  test('spaces around a key and rows without one are no trap', async () => {
    const untidy = await files.profile(
      'customers.csv',
      'tenant,plan\n acme ,enterprise\nglobex,\n,pro\n,free\ninitech,free\n',
    )
    const turn = await openConversation(files).say('total cost by plan', requests, untidy)
    expect(rowsOf(turn)).toEqual([
      ['enterprise', 200, 200],
      [null, 200, 100],
      ['free', 44, 88],
      ['(none)', 36, 12],
    ])
  })

  test('J5: several keys are one question', async () => {
    const sited = (rows: readonly Readonly<Record<string, string | number>>[]) =>
      requestsCsv(rows.map((row) => ({ ...row, site_id: `site-${row['tenant']}` })))
    const talk = openConversation(files)
    const asked = await talk.say(
      'total cost by plan',
      await files.profile('requests.csv', sited(requestRows)),
      await files.profile('customers.csv', sited(customerRows)),
    )
    expect(asked.request?.question?.choices.map(({ value }) => value)).toEqual(['tenant', 'site_id'])
    expect((await talk.say('site_id')).text).toContain('on site_id (388 of 400 rows match)')
  })

  test('the second file arrives later', async () => {
    const talk = openConversation(files)
    await talk.say('total cost by tenant', requests)
    const turn = await talk.say('total cost by plan', customers)
    expect(rowsOf(turn)?.[0]).toEqual(['enterprise', 200, 200])
  })
})
