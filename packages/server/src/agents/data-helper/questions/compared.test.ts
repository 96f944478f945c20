import { describe, expect, it, test } from 'vitest'
import { numbers, texts, timestamps } from '../testing/profiles.ts'
import { asking, requestLog } from './parse.test-support.ts'
import { tokenise } from './words.ts'

describe('a number beside a column', () => {
  // The mapping reads both in other units than they are written in.
  const seconds = asking([
    timestamps,
    texts('tenant', 'acme', 'globex'),
    numbers('completion_tokens', 230),
    numbers('duration_s', 3.4),
    numbers('cost_cents', 0.4),
  ])
  const unnamed = asking([timestamps, numbers('completion_tokens', 230), numbers('latency', 3.4)])
  const spans = asking([timestamps, { ...timestamps, name: 'end_time' }, texts('tenant', 'acme', 'globex')])
  const plain = asking(requestLog)

  test.each([
    ['how many requests with duration_s > 5', 'latency_ms > 5,000 ms'],
    ['how many requests with duration_s is 5', 'latency_ms is 5000'],
    ['how many requests with cost_cents > 5', 'cost_usd > 0.05 USD'],
    ['how many requests with latency over 5 s', 'latency_ms > 5,000 ms'],
    ['how many requests took longer than 5 seconds', 'latency_ms > 5,000 ms'],
    ['how many requests cost more than 2 cents', 'cost_usd > 0.02 USD'],
    ['how many requests cost more than 2 US cents', 'cost_usd > 0.02 USD'],
  ])('is in the unit that is said, be it in the name: %s', (question, condition) => {
    expect(seconds(question)).toContain(`where ${condition}`)
  })

  test.each([
    [
      'how many requests with latency > 5',
      seconds,
      /duration_s of usage.csv is in s and is read in ms: write the unit of “5”, e.g. “5 s”/,
    ],
    ['how many requests with cost over 5', seconds, /is in cents and is read in USD/],
    ['how many requests with latency > 5', unnamed, /latency of usage.csv is in s/],
    ['how many requests where latency is 5', unnamed, /write the unit/],
    [
      'how many requests with latency > 5',
      spans,
      /timestamp and end_time of usage.csv is read in ms: write the unit/,
    ],
    ['how many requests with latency over 2m', plain, /minutes or millions/],
    ['how many requests with latency over 2 m', plain, /minutes or millions/],
    ['total cost over 7 days', plain, /cannot be compared/],
    ['how many requests with cost over 5 euros', plain, /cannot be compared/],
  ] as const)('is refused where its unit is open: %s', (question, ask, why) => {
    expect(ask(question)).toMatch(why)
  })

  test.each([
    ['how many requests with latency > 5000', 'latency_ms > 5,000 ms'],
    ['how many requests with latency over 2 hours', 'latency_ms > 7,200,000 ms'],
    ['how many requests with latency over 2h', 'latency_ms > 7,200,000 ms'],
    ['how many requests with latency over 500 us', 'latency_ms > 0.5 ms'],
    ['how many requests with cost > 0.01', 'cost_usd > 0.01 USD'],
    ['how many requests with completion tokens over 2m', 'completion_tokens > 2,000,000 tokens'],
    ['how many requests with completion tokens over 1k tokens', 'completion_tokens > 1,000 tokens'],
    ['how many requests cost more than .5 cents', 'cost_usd > 0.005 USD'],
    ['how many requests cost more than $.50', 'cost_usd > 0.5 USD'],
  ])('%s', (question, condition) => {
    expect(plain(question)).toContain(`where ${condition}`)
  })

  it('keeps its point where nothing stands before it', () => {
    expect(tokenise('.5 $.5 1.5 end. .').map(({ value }) => value)).toEqual([0.5, 0.5, 1.5, undefined])
  })
})
