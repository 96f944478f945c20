import { describe, expect, test } from 'vitest'
import { asking, codes, requestLog } from './parse.test-support.ts'

const ask = asking([...requestLog, codes('retries', '0', '1', '2', '5')])

describe('names and counts before values', () => {
  test.each([
    ['average output length by model', /^mean of completion_tokens by model, over all/],
    ['median input length by tenant', /^median of prompt_tokens by tenant, over all/],
    ['the 5 most expensive requests', /^max of cost_usd by .*, the 5 largest, over all/],
    ['5 slowest requests', /^max of latency_ms by .*, the 5 largest, over all/],
    ['5 requests with the highest cost', /^max of cost_usd by .*, the 5 largest, over all/],
    ['200 requests with the highest cost', /^max of cost_usd by .*, the 200 largest, over all/],
    ['top 5 models by cost', /^total of cost_usd by model, the 5 largest, over all/],
    ['top 200 requests by cost', /^max of cost_usd by .*, the 200 largest, over all/],
    ['5 most common models', /^number of rows by model, the 5 largest, over all/],
  ])('%s', (question, reading) => {
    expect(ask(question)).toMatch(reading)
  })

  test.each([
    ['average completion tokens where finish reason is length', /where finish_reason is length$/],
    ['average cost for finish reason length', /where finish_reason is length$/],
    ['how many requests with 5 retries', /where retries is 5$/],
    ['how many requests where retries is 5', /where retries is 5$/],
    ['how many 429 requests', /where status is 429$/],
    ['how many 500s', /where status is 500$/],
    ['highest latency of 429 requests', /where status is 429$/],
    ['most expensive request where tenant is acme', /where tenant is acme$/],
  ])('a value that is meant is still read: %s', (question, reading) => {
    expect(ask(question)).toMatch(reading)
  })

  test.each([
    ['the 3 tenants with the highest cost', /./],
    ['total cost for 5', /understand “5”/],
    ['top 10% tenants by cost', /not 10%/],
    ['the 10% most expensive requests', /not 10%/],
    ['top 10% requests by cost', /not 10%/],
  ])('is refused: %s', (question, why) => {
    const said = ask(question)
    expect(said).toMatch(/^refused/)
    expect(said).toMatch(why)
  })
})
