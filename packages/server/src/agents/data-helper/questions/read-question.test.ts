import { describe, expect, it } from 'vitest'
import { numbers, profileOf, texts } from '../testing/profiles.ts'
import { countsOf, requests, tableOf } from '../testing/two-tables.ts'
import { parseSimpleQuestion } from './parse.ts'
import { readQuestion } from './read-question.ts'
import { describe as describeReading } from './reading.ts'

describe('what both files may have', () => {
  const priced = profileOf(
    [texts('tenant', 'acme', 'globex'), texts('plan', 'pro', 'free'), numbers('price', 90)],
    { fileName: 'customers.csv' },
  )

  function readBoth(question: string, choices: Readonly<Record<string, string>> = {}) {
    const tables = [tableOf(requests, choices), tableOf(priced, choices)]
    const alone = (text: string) =>
      tables.map((table) => parseSimpleQuestion(text, table)).find(({ ok }) => ok) ?? null
    const { unmeasured } = readQuestion(question, tables, [], alone)
    const facts = unmeasured.map((pair) => ({
      ...{ pair, rows: 400, matched: 388, repeated: null, baseMost: 120 },
      ...countsOf(pair),
    }))
    return readQuestion(question, tables, facts, alone).parsed
  }

  it('is asked about: the price of a customer is no cost of requests', () => {
    const parsed = readBoth('total cost by plan')
    if (parsed === null || parsed.ok || parsed.question === null) throw new Error(JSON.stringify(parsed))
    const { id, choices } = parsed.question
    expect(choices.map(({ value }) => value)).toEqual(['requests.csv', 'customers.csv'])
    const read = (value: string) => {
      const chosen = readBoth('total cost by plan', { [id]: value })
      return chosen?.ok === true ? describeReading(chosen.reading) : null
    }
    expect(read('requests.csv')).toContain(
      'total of cost_usd by plan, over all 1,000 rows of requests.csv joined',
    )
    expect(read('customers.csv')).not.toContain('joined')
  })

  it('is not where one of them does not know the group', () => {
    const parsed = readBoth('total cost by model')
    expect(parsed?.ok === true && parsed.reading.join).toBeNull()
  })
})
