import { describe, expect, test } from 'vitest'
import { asking, requestLog } from './parse.test-support.ts'

const ask = asking(requestLog)

describe('what is no figure', () => {
  test.each([
    'show me who has the highest cost',
    'tell me when the latency was highest',
    'what is the highest latency and when was it',
    'tell me where requests failed',
    'show me when requests failed',
    'list who failed',
    'highest cost and who caused it',
    'when was acme most expensive',
    'total cost, and why',
  ])('is refused wherever it is asked: %s', (question) => {
    expect(ask(question)).toMatch(/^refused: “(?:who|when|where|why)”/)
  })

  test.each([
    ['average latency when the tenant is acme', 'mean of latency_ms'],
    ['average latency where model contains mini', 'mean of latency_ms'],
    ['total cost where tenant is acme and where status is 200', 'total of cost_usd'],
    ['average latency when requests failed', 'mean of latency_ms'],
    ['how many tenants who failed', 'number of different tenant'],
  ])('is no question where a condition follows: %s', (question, reading) => {
    expect(ask(question)).toContain(`${reading}, over the rows of 1,000 where`)
  })

  test.each(['total for acme', 'how much in total for acme', 'total by model'])(
    'counts no rows where nothing was named to add up: %s',
    (question) => {
      expect(ask(question)).toMatch(/^refused: it does not say what is added up/)
    },
  )

  test.each([
    ['total requests for acme', 'number of rows'],
    ['total failures by model', 'number of rows by model'],
  ])('%s', (question, reading) => {
    expect(ask(question)).toContain(reading)
  })
})
