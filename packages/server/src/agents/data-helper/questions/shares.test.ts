import { describe, expect, it, test } from 'vitest'
import { asking, requestLog } from './parse.test-support.ts'
import { parseSimpleQuestion } from './parse.ts'
import { readingSql } from './reading-sql.ts'
import { openTestTable } from './test-table.ts'

const ask = asking(requestLog)
const all = ', over all 1,000 rows'
const where = (condition: string): string => `, over the rows of 1,000 where ${condition}`
const failed = 'status means failed (400 or above)'

describe('the part and the whole of a share', () => {
  test.each([
    // The part stands behind a verb, or is who the share belongs to: a share of each group.
    ['what share of requests is gpt-5 by month', `share of rows where model is gpt-5 by month${all}`],
    [
      'what share of the cost is from acme by month',
      `share of the total cost_usd on rows where tenant is acme by month${all}`,
    ],
    [
      "acme's share of the cost by month",
      `share of the total cost_usd on rows where tenant is acme by month${all}`,
    ],
    ['what share of requests failed by model', `share of rows where ${failed} by model${all}`],
    [
      'what share of requests took longer than 10 s by model',
      `share of rows where latency_ms > 10,000 ms by model${all}`,
    ],
    ['what share of requests goes to gpt-5 per tenant', `share of rows where model is gpt-5 by tenant${all}`],
    [
      'what share of completion tokens does acme use',
      `share of the total completion_tokens on rows where tenant is acme${all}`,
    ],
    // What else is said limits the whole.
    ['what share of failed requests is from globex', `share of rows where tenant is globex${where(failed)}`],
    ['what share of failures are 429', `share of rows where status is 429${where(failed)}`],
    ['percentage of failed requests with 429', `share of rows where status is 429${where(failed)}`],
    ['what share of requests failed with 429', `share of rows where status is 429${all}`],
    ['what share of acme requests failed', `share of rows where ${failed}${where('tenant is acme')}`],
    [
      'what share of requests that took longer than 10 s failed',
      `share of rows where ${failed}${where('latency_ms > 10,000 ms')}`,
    ],
    ['what share of requests failed for acme', `share of rows where ${failed}${where('tenant is acme')}`],
    [
      'what share of acme requests is gpt-5 by month',
      `share of rows where model is gpt-5 by month${where('tenant is acme')}`,
    ],
    [
      'for acme, what percentage of failed requests',
      `share of rows where ${failed}${where('tenant is acme')}`,
    ],
    // Without a part it is how the whole spreads over the groups.
    ['share of cost by model', `share of the total cost_usd by model${all}`],
    ['share of cost by model for acme', `share of the total cost_usd by model${where('tenant is acme')}`],
    ['share of requests by model where tenant is acme', `share of rows by model${where('tenant is acme')}`],
    ['percentage of failed requests', `share of rows where ${failed}${all}`],
    ['what share of the cost is acme', `share of the total cost_usd on rows where tenant is acme${all}`],
  ])('%s', (question, reading) => {
    expect(ask(question)).toBe(reading)
  })

  test.each([
    ['percentage of failed requests for acme', `share:tenant is acme and ${failed}`],
    ['share of acme requests by month', 'share:tenant is acme by month'],
    ['share of cost by month for acme', 'share:tenant is acme by month'],
    ['share of gpt-5 requests by tenant', 'share:model is gpt-5 by tenant'],
    ['which tenant has the highest share of gpt-5 requests', 'share:model is gpt-5 by tenant'],
    ['share of requests with status 429 by model', 'share:status is 429 by model'],
  ])('is asked where the sentence leaves it open: %s', (question, id) => {
    expect(ask(question)).toBe(`asks: ${id}`)
  })

  it('is read as the user has chosen', () => {
    const question = 'share of gpt-5 requests by tenant'
    const id = 'share:model is gpt-5 by tenant'
    expect(ask(question, { [id]: 'model is gpt-5' })).toBe(
      `share of rows where model is gpt-5 by tenant${all}`,
    )
    expect(ask(question, { [id]: 'spread' })).toBe(`share of rows by tenant${where('model is gpt-5')}`)
  })

  test.each([
    ['what share of requests is from acme and failed', /two parts of one whole/],
    ['share of failed requests by model', /failure rate of each group/],
    ['what share of requests is gpt-5 by model', /all or nothing/],
    ['what share is gpt-5', /of what the share is taken/],
    ['what share of the latency is acme', /does not add up/],
    ['what share of tenants is gpt-5', /^refused/],
  ])('%s', (question, why) => {
    expect(ask(question)).toMatch(why)
  })

  it('gives the share of each month, and not how one model spreads over the months', async () => {
    const rows = [
      '2026-09-01,a',
      '2026-09-02,b',
      '2026-10-01,a',
      '2026-10-02,a',
      '2026-10-03,a',
      '2026-10-04,b',
    ]
    await using table = await openTestTable({ csv: `day,model\n${rows.join('\n')}\n` })
    const info = { tableName: 'data', profile: table.profile }
    const parsed = parseSimpleQuestion('what share of requests is model a by month', info)
    if (!parsed.ok) throw new Error(parsed.why)
    expect((await table.run(readingSql(parsed.reading))).rows).toEqual([
      ['2026-09', 0.5, 2],
      ['2026-10', 0.75, 4],
    ])
  })
})
