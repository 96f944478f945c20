import { describe, expect, test } from 'vitest'
import { mapFile } from '../field-mapping.ts'
import type { PlaybookId } from '../playbook.ts'
import { playbooks } from '../playbooks/playbooks.ts'
import { numbers, profileOf, texts, timestamps } from '../testing/profiles.ts'
import { readSelection } from './read-selection.ts'
import { describeSelection } from './selection.ts'

const profile = profileOf([
  timestamps,
  texts('model', 'gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5'),
  texts('tenant', 'acme', 'globex', 'initech'),
  texts('feature', 'report', 'chat', 'nightly_summaries'),
  texts('status', '200', '429', '504'),
  numbers('prompt_tokens', 900),
  numbers('completion_tokens', 230),
  numbers('cost_usd', 0.004),
  numbers('latency_ms', 3_400),
])
const file = { profile, mapping: mapFile(profile, new Map()) }
const read = (question: string, playbook: PlaybookId = 'cost_breakdown') =>
  readSelection(question, playbook, file, new Map())
const said = (question: string, playbook?: PlaybookId) => {
  const found = read(question, playbook)
  return found.kind === 'read' ? describeSelection(found.selection) : found
}

describe('a question about some rows', () => {
  test.each([
    [
      'Where did the money go in October?',
      /^only rows from 2026-10-01 and before 2026-11-01 UTC by timestamp$/,
    ],
    ['peak load on 3 October', /from 2026-10-03 and before 2026-10-04/],
    ['where does the money go since 2026-10-15', /^only rows from 2026-10-15 UTC/],
    ['Where does the money go excluding acme?', /^only rows where tenant is not acme$/],
    ['cost breakdown without globex and initech', /tenant is none of globex, initech/],
    ['cost breakdown, leaving out the nightly_summaries', /feature is not nightly_summaries/],
    ['how expensive is acme', /tenant is acme/],
    ['Why is gpt-5-mini slow?', /model is gpt-5-mini/],
    ['p95 for claude-sonnet-4-5 and gpt-5', /model is one of claude-sonnet-4-5, gpt-5/],
    ['peak load of acme', /tenant is acme/],
    ['cost of nightly_summaries', /feature is nightly_summaries/],
    ['could the nightly summaries wait', /feature is nightly_summaries/],
    ['where does the money go for requests over 5 seconds', /latency_ms > 5,000 ms/],
    ['where does the money go for requests above 1 cent', /cost_usd > 0.01 USD/],
    ['where does the money go in October, excluding acme', /tenant is not acme, from 2026-10-01/],
    ['cost breakdown where tenant is not acme', /^only rows where tenant is not acme$/],
    ['cost breakdown, tenant != acme', /^only rows where tenant is not acme$/],
    ['Where does the money go for everyone but acme?', /^only rows where tenant is not acme$/],
    ['Where does the money go, not including acme', /^only rows where tenant is not acme$/],
    ['cost breakdown, exclude acme', /^only rows where tenant is not acme$/],
    ['cost breakdown where model contains mini', /^only rows where model contains “mini”$/],
    ['cost breakdown where status is 429', /^only rows where status is 429$/],
    ['where does the money go for 429 requests', /^only rows where status is 429$/],
    ['cost of the chat feature', /^only rows where feature is chat$/],
    ['what does acme cost compared with globex', /tenant is one of acme, globex/],
    ['Why is sonnet so expensive?', /^only rows where model is claude-sonnet-4-5$/],
    ['how much do we spend on Claude Sonnet 4.5', /model is claude-sonnet-4-5/],
    ['how expensive is the mini model', /model is gpt-5-mini/],
    ['cost of gpt models', /model is one of gpt-5, gpt-5-mini/],
    ['cost of nightly jobs', /feature is nightly_summaries/],
    ['which tenant has the slowest chat', /feature is chat/],
    ['cost of one chat', /feature is chat/],
    ['cost of reports', /feature is report/],
    [
      'where does the money go for requests with more than 1000 prompt tokens',
      /prompt_tokens > 1,000 tokens/,
    ],
    ['cost breakdown, at least 2k output tokens', /completion_tokens >= 2,000 tokens/],
  ])('%s', (question, expected) => expect(said(question)).toMatch(expected))

  test.each([
    ['What did we spend in August?', /there is no aug/],
    ['what did we spend last month', /depends on today's date/],
    ['cost breakdown excluding umbrella', /cannot tell what/],
    ['where does the money go without 429s and acme', /“acme” is left out as well/],
    ['cost breakdown excluding acme and failed requests', /“failed” is left out as well/],
    ['cost breakdown excluding acme and October', /cannot read “… and October/],
    ['where does the money go on weekends', /days of the week/],
    ['where does the money go for more than 5 widgets', /cannot tell what/],
    ['cost breakdown for requests that do not come from acme', /not come from acme/],
    ['where does the money go, not acme', /not acme/],
    ['where does the money go for non-acme traffic', /non-acme/],
    ['where does the money go with acme left out', /acme left out/],
    ['where does the money go for tenants other than acme or rather not', /not/],
    ['where does the money go if tenant is umbrella', /has no value “umbrella”/],
    ['cost breakdown, tenant != umbrella', /has no value “umbrella”/],
    ['cost breakdown where latency is between 5 and 10 s', /between 5/],
    ['where does the money go, latency between 5 and 10 s', /between 5/],
    ['cost breakdown for umbrella', /umbrella/],
    ['Where did the money go for tenant umbrella?', /umbrella/],
    ['Where did the money go, only umbrella?', /umbrella/],
    ['how expensive is umbrella', /umbrella/],
    ['what did umbrella cost us', /umbrella/],
    ["where does umbrella's money go", /umbrella/],
    ['Where did the money of Umbrella go?', /Umbrella/],
    ['where does the money go for “umbrella corp”', /umbrella corp/],
    ['cost breakdown for acme and umbrella', /umbrella/],
    ['cost breakdown for globx', /globex/],
    ['Why is gpt-6 so expensive?', /gpt-6/],
    ['where does the money go, only cached requests', /only cached requests/],
    ['where does the money go where cost > budget', />/],
    ['cost breakdown for user bob', /bob/],
    ['cost breakdown for project apollo', /apollo/],
    ['show me the zeta costs', /zeta/],
    ['Why is haiku so expensive?', /haiku/],
    ['cost breakdown for requests with 100 to 200 prompt tokens', /100 to 200/],
    ['cost breakdown for cheap requests only', /cheap requests only/],
    ['cost breakdown for the 10 slowest requests', /10 slowest requests/],
    ['where does the money go, not from claude', /not from claude/],
    ['how much will we pay next month', /do not look ahead/],
    ['what will acme cost', /do not look ahead/],
    ['cost forecast', /do not look ahead/],
    ['what would it cost to run everything on gpt-5-mini', /not what would be/],
    ['cost per user', /no column for “user”/],
    ['cost per token', /nothing per token/],
    ['cost per 1k prompt tokens', /nothing per 1k/],
    ['cost of long prompts', /“long prompts”/],
    ['cost of slow requests', /“slow requests”/],
    ['cost breakdown where tenant = acme or tenant = globex', /with “or”/],
    ['ratio of completion to prompt tokens', /do not divide/],
    ['cost of requests with not more than 1000 prompt tokens', /not more than 1000/],
    ['where does the money go excluding acme and sonnet', /“sonnet” is left out as well/],
    ['cost of claude sonnet 3.5', /write the whole name/],
    ['cost of gpt 4', /write the whole name/],
    ['cost of sonnet 4', /write the whole name/],
    ['cost of sonnet thinking', /write the whole name/],
    ['cost of requests with over 1000 prompt tokens or errors', /with “or”/],
    ['cost of requests with over 1000 prompt and completion tokens', /limited as well/],
    ['cost of chat and nightly', /“nightly” is meant as well/],
    ['cost breakdown for tenants with more than 1000 prompt tokens', /each tenant or each row/],
    ['which tenants spend more than 100 dollars', /each tenant or each row/],
    ['cost over 1000 prompt tokens', /what stands behind it/],
  ])('is not answered over all of them where it cannot be read: %s', (question, why) => {
    expect(read(question)).toMatchObject({ kind: 'unread', why: expect.stringMatching(why) })
  })

  test.each([
    'Where did the money go between 10 and 20 October?',
    'Where did the money go in late October?',
    'Where did the money go in mid-October?',
    'Where did the money go for 17 and 18 October?',
    'Where did the money go on October 17 and 18?',
    'Where did the money go in October 17-20?',
    'Where did the money go in September and October?',
    'Where did the money go in the first week of October?',
    'Where did the money go in the second half of October?',
    'Where did the money go early in October?',
    'Where did the money go at the end of October?',
    'Where did the money go in the first 10 days?',
    'Where did the money go in the last few weeks?',
    'Where did the money go in the last 24h?',
    'Where did the money go two weeks ago?',
    'Where did the money go on 8 October between 14:00 and 16:00?',
    'Where did the money go on 8 October at 3pm?',
    'Where did the money go in the mornings?',
    'Where did the money go last night?',
    'Where did the money go over the weekend?',
    'Where did the money go since Monday?',
    'Where did the money go on 17/10/2026?',
    'Where did the money go in Q3?',
    'Where did the money go in week 41?',
    'Where did the money go during the migration?',
    'Where did the money go after the launch?',
    'Where did the money go on 2026-10-03 and 2026-10-04?',
    'Where did the money go in 2025 and 2026?',
  ])('is not answered over more than the time it names: %s', (question) => {
    expect(read(question).kind).toBe('unread')
  })

  test('a word of a question that is too long to be read to its end is not passed over', () => {
    const { kind } = read(`Where did the money go ${'so very '.repeat(50)} for acme`)
    expect(kind).toBe('unread')
  })

  test('a part of several names of customers is none of them', () => {
    const several = profileOf([
      timestamps,
      texts('tenant', 'acme-eu', 'acme-us', 'globex'),
      numbers('cost_usd', 1),
    ])
    const found = readSelection(
      'cost breakdown for acme',
      'cost_breakdown',
      { profile: several, mapping: mapFile(several, new Map()) },
      new Map(),
    )
    expect(found).toMatchObject({ kind: 'unread', why: expect.stringMatching(/acme-eu or acme-us/) })
  })

  describe('a customer that is not among the most frequent', () => {
    const some = texts('tenant', ...Array.from({ length: 10 }, (_, index) => `tenant_${index}`))
    const more = profileOf([
      timestamps,
      { ...some, distinct: 11 },
      texts('model', 'gpt-5'),
      numbers('cost_usd', 1),
    ])
    const readMore = (question: string) =>
      readSelection(
        question,
        'cost_breakdown',
        { profile: more, mapping: mapFile(more, new Map()) },
        new Map(),
      )

    test.each(['cost breakdown for tenant zeta', 'cost breakdown where tenant is zeta'])(
      'is taken as written where its column is named: %s',
      (question) => {
        const found = readMore(question)
        expect(found.kind === 'read' && describeSelection(found.selection)).toBe(
          'only rows where tenant is zeta',
        )
      },
    )

    test.each(['cost breakdown for zeta', 'cost breakdown, only tenant zeta', 'how expensive is zeta'])(
      'is asked about otherwise: %s',
      (question) => expect(readMore(question)).toMatchObject({ kind: 'unread' }),
    )
  })

  test.each([
    ...playbooks
      .filter(({ id }) => id !== 'any_table')
      .flatMap(({ id, asks }) => asks.map((ask) => [id, ask] as const)),
    ['cost_breakdown', 'cost report'],
    ['latency_tail', 'why is our chat so slow'],
    ['down_shift', 'do we need gpt-5 for everything'],
    ['errors_retries', 'when did the 429 errors come'],
    ['errors_retries', 'Why do requests with status 504 fail?'],
    ['down_shift', 'which requests run on gpt-5 today and could use a cheaper model without losing quality'],
    ['latency_tail', 'which model is slowest and when'],
    ['latency_tail', 'the model is bad, why is it so slow'],
    ['cost_breakdown', 'what may have caused the cost'],
    ['cost_breakdown', 'I got a bill from OpenAI and want to understand it'],
    ['cost_breakdown', 'cost breakdown for our CFO, with details'],
    ['cost_breakdown', 'Hi Bob, where does the money go in our setup? Thanks, Anna'],
    ['cost_breakdown', 'how can we reduce the cost by 10 to 20 percent'],
    ['cost_breakdown', 'Hi. Umm. Our bill doubled. Explain it please'],
    ['cost_breakdown', 'what would make it cheaper'],
    ['cost_breakdown', 'I need reports of cost by tenant'],
    ['cost_breakdown', 'will you tell me where the money goes'],
    ['cost_breakdown', 'I would like to know what we spend per team'],
    ['cost_breakdown', 'cost per request'],
    ['cost_breakdown', 'cost per customer and per cent'],
    ['down_shift', 'what would it cost on a smaller model'],
    ['prompt_caching', 'will caching help, what is the hit ratio'],
    ['latency_tail', 'analysis of slow requests'],
  ] as const)('%s: %s asks about all rows', (playbook, question) => {
    expect(said(question, playbook)).toBeNull()
  })
})

describe('what a playbook speaks of as its subject', () => {
  test.each([
    ['down_shift', 'smaller models, only gpt-5', /^only rows where model is gpt-5$/],
    ['down_shift', 'could gpt-5 requests use a smaller model', /^only rows where model is gpt-5$/],
    ['down_shift', 'smaller models where model is not gpt-5', /^only rows where model is not gpt-5$/],
  ] as const)('%s limits itself where that is said: %s', (playbook, question, expected) =>
    expect(said(question, playbook)).toMatch(expected),
  )

  test.each(['only 429 errors, when did they come', 'errors that are not 429, when did they come'])(
    'is not answered as a whole where a part is meant: %s',
    (question) => expect(read(question, 'errors_retries').kind).toBe('unread'),
  )
})

describe('periods to compare', () => {
  const periods = (question: string) => {
    const found = read(question, 'month_over_month')
    return found.kind === 'read'
      ? found.selection.compare.map(({ from, to }) => [from?.slice(0, 10), to?.slice(0, 10)])
      : found
  }
  const september = ['2026-09-01', '2026-10-01']
  const october = ['2026-10-01', '2026-11-01']

  test.each([
    ['why did the cost go up in October', [october]],
    ['compare September with October', [september, october]],
    ['what changed between September and October', [september, october]],
    ['why are we paying more than last month', []],
    ['compare the last two months for me', []],
    ['what may have caused the increase', []],
  ])('%s', (question, expected) => expect(periods(question)).toEqual(expected))

  test.each([
    'why is this quarter more expensive than last quarter?',
    'why is this year more expensive than last year?',
    'cost change quarter over quarter',
    'why did cost go up in the first week of October',
    'compare the week before with this one',
    'compare 1-15 October with 16-31 October',
    'compare acme with globex',
    'difference between acme and globex',
    'why did cost change after the launch',
  ])('are months, or are not compared: %s', (question) => {
    expect(read(question, 'month_over_month').kind).toBe('unread')
  })

  test('a window limits nothing there, a value does', () => {
    expect(said('why did the cost of acme go up in October', 'month_over_month')).toBe(
      'only rows where tenant is acme',
    )
  })
})
