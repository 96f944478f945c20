import { describe, expect, it } from 'vitest'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import { empty, numbers, profileOf, texts, timestamps } from '../testing/profiles.ts'
import { countsOf, customers, decided, joined, requests, said, tableOf } from '../testing/two-tables.ts'
import { keyName, sharedColumns } from './join-keys.ts'
import { readingSql } from './reading-sql.ts'

describe('a question over two files', () => {
  it.each([
    ['total cost by plan', `total of cost_usd by plan, over all 1,000 rows ${joined}`],
    [
      'average latency by region for plan enterprise',
      `mean of latency_ms by region, over the rows ${joined} where plan is enterprise`,
    ],
    [
      'join requests and customers on tenant: cost by plan',
      `total of cost_usd by plan, over all 1,000 rows ${joined}`,
    ],
    ['which plan costs the most', `total of cost_usd by plan, over all 1,000 rows ${joined}`],
    ['cost by plan and model', `total of cost_usd by plan and model, over all 1,000 rows ${joined}`],
    ['number of requests by plan', `number of rows by plan, over all 1,000 rows ${joined}`],
    ['total cost for enterprise', `total of cost_usd, over the rows ${joined} where plan is enterprise`],
    [
      'cost of enterprise customers by model',
      `total of cost_usd by model, over the rows ${joined} where plan is enterprise`,
    ],
    [
      'cost by model for customers with seats > 100',
      `total of cost_usd by model, over the rows ${joined} where seats > 100`,
    ],
    ['how many different plans by model', `number of different plan by model, over all 1,000 rows ${joined}`],
    ['share of cost by region', `share of the total cost_usd by region, over all 1,000 rows ${joined}`],
    [
      'cost by tenant where plan is not free',
      `total of cost_usd by tenant, over the rows ${joined} where plan is not free`,
    ],
    [
      'total cost by plan in October 2026',
      `total of cost_usd by plan, over the rows ${joined}, from 2026-10-01 and before 2026-11-01 UTC by timestamp`,
    ],
  ])('%s', (question, reading) => {
    expect(said(decided(question))).toBe(`I read this as: ${reading}`)
  })

  it.each([
    'total cost by plan, joined on tenant',
    'total cost by plan joining requests.csv with customers.csv by tenant',
    'merge both files on the tenant column and show total cost by plan',
    'total cost by plan with requests and customers matched on tenant',
    'combine requests.csv with customers.csv: total cost by plan',
    'Match requests to customers by tenant, then give me the total cost by plan.',
  ])('takes what is said about joining apart from what is asked: %s', (question) => {
    expect(said(decided(question))).toBe(
      `I read this as: total of cost_usd by plan, over all 1,000 rows ${joined}`,
    )
  })

  it.each([
    'what is the weather',
    'total cost by model',
    'how many customers have which plan',
    'poem about plan',
  ])('is none where one file or none answers: %s', (question) => {
    expect(decided(question).kind).toBe('none')
  })

  it('J3: every row of the measured file stays, the rest is looked up', () => {
    const outcome = decided('total cost by plan')
    if (outcome.kind !== 'read') throw new Error(said(outcome))
    const sql = readingSql(outcome.reading)
    expect(sql).toContain('FROM "requests" AS base\n  LEFT JOIN')
    expect(sql).toContain(`ELSE '(none)' END AS g1`)
  })

  it('the times of the looked up file are not those of the question', () => {
    const untimed = profileOf([texts('tenant', 'acme', 'globex'), numbers('cost_usd', 1)], {
      fileName: 'requests.csv',
    })
    expect(said(decided('total cost by plan per month', [tableOf(untimed), tableOf(customers)]))).toBe('none')
  })

  it('a status of customers does not tell which requests failed', () => {
    const plain = profileOf([texts('tenant', 'acme', 'globex'), numbers('cost_usd', 1)], {
      fileName: 'requests.csv',
    })
    const having = profileOf(
      [texts('tenant', 'acme', 'globex'), texts('plan', 'pro'), texts('status', 'ok', 'error')],
      {
        fileName: 'customers.csv',
      },
    )
    expect(
      said(decided('number of failed requests by plan', [tableOf(plain), tableOf(having)])),
    ).not.toContain('I read this as')
  })
})

describe('what a file is called', () => {
  const orders = profileOf(
    [texts('order_id', 'o1', 'o2'), texts('tenant', 'acme'), texts('channel', 'web', 'shop')],
    {
      fileName: 'orders.csv',
    },
  )
  const tables = [tableOf(orders), tableOf(customers)]

  it.each([
    ['number of orders by plan', 'number of rows by plan'],
    ['how many orders from customers in the EU by plan', 'number of rows by plan'],
    ['share of orders by region', 'share of rows by region'],
  ])('is what its rows are: %s', (question, reading) => {
    expect(said(decided(question, tables))).toContain(`I read this as: ${reading}, over`)
  })

  it('is no word that the question needs', () => {
    const log = { ...requests, fileName: 'cost_by_day.csv' }
    const outcome = decided('total cost by plan', [tableOf(log), tableOf(customers)])
    expect(said(outcome)).toContain(
      'total of cost_usd by plan, over all 1,000 rows of cost_by_day.csv joined',
    )
    const asked = 'join cost_by_day.csv with customers by tenant: total cost by plan per day'
    expect(said(decided(asked, [tableOf(log), tableOf(customers)]))).toContain(
      'total of cost_usd by plan and day',
    )
  })

  it('is not passed over where it is what is counted', () => {
    expect(said(decided('how many enterprise customers had failed requests'))).not.toContain('number of rows')
  })
})

describe('the key', () => {
  const named = (first: FileProfile, second: FileProfile) =>
    sharedColumns(tableOf(first), tableOf(second)).map(
      ({ pair, sure }) => `${keyName(pair)}${sure ? '' : '?'}`,
    )

  it('is the same field under two names, or the same name', () => {
    const other = profileOf([texts('customer_id', 'acme'), texts('plan', 'pro'), texts('Model', 'gpt-5')])
    expect(named(requests, other)).toEqual(['tenant = customer_id', 'model = Model'])
  })

  it('is no quantity, no time, no outcome, no empty column, and no name that every table uses', () => {
    const one = profileOf([
      timestamps,
      texts('name', 'a'),
      texts('status', '200'),
      numbers('seats', 3),
      empty('x'),
    ])
    expect(named(one, one).filter((name) => !name.endsWith('?'))).toEqual([])
  })

  it('J2: in several rows of the file that is looked up, it is refused with an example', () => {
    const outcome = decided('total cost by plan', undefined, () => ({ repeated: { key: 'globex', rows: 2 } }))
    expect(outcome).toMatchObject({ kind: 'refused', sure: true })
    expect(said(outcome)).toContain(
      'tenant “globex” is in 2 rows of customers.csv, and in up to 120 rows of requests.csv',
    )
    expect(said(outcome)).toContain('would multiply the figures')
  })

  it('J2: nothing else answers the question instead', () => {
    const outcome = decided('total cost by plan and tenant', undefined, () => ({
      repeated: { key: 'globex', rows: 2 },
    }))
    expect(outcome).toMatchObject({ kind: 'refused', sure: true })
  })

  it('J4: what is measured in the looked up file would be multiplied', () => {
    const outcome = decided('total seats by model')
    expect(outcome).toMatchObject({ kind: 'refused', sure: true })
    expect(said(outcome)).toContain('tenant “acme” is in 120 rows of requests.csv')
  })

  it('whose values are in one file only is refused', () => {
    const outcome = decided('total cost by plan', undefined, () => ({ matched: 0 }))
    expect(said(outcome)).toContain('no value of tenant is in both')
  })

  it('that is not there is refused, with how to name one', () => {
    const other = profileOf([texts('kunde', 'acme'), texts('plan', 'pro', 'free')], {
      fileName: 'crm.csv',
    })
    const outcome = decided('total cost by plan', [tableOf(requests), tableOf(other)])
    expect(said(outcome)).toContain('no column is in both')
  })

  it('may be named where the files call it differently', () => {
    const other = profileOf([texts('kunde', 'acme'), texts('plan', 'pro', 'free')], { fileName: 'crm.csv' })
    const tables = [tableOf(requests), tableOf(other)]
    const good = () => ({})
    expect(said(decided('total cost by plan joined on tenant = kunde', tables, good))).toContain(
      'requests.csv joined with crm.csv on tenant = kunde',
    )
    expect(said(decided('total cost by plan joined on kunde = tenant', tables, good))).toContain(
      'requests.csv joined with crm.csv on tenant = kunde',
    )
    expect(said(decided('total cost by plan joined on kunde', tables, good))).toContain(
      'is not a column of both',
    )
  })

  it('is what refers to it: customer_id to the id of customers.csv', () => {
    const owners = profileOf([texts('id', 'acme'), texts('plan', 'pro')], { fileName: 'customers.csv' })
    const one = profileOf([texts('customer_id', 'acme'), texts('id', '1'), numbers('cost_usd', 2)], {
      fileName: 'requests.csv',
    })
    expect(named(one, owners)).toEqual(['customer_id = id', 'id?'])
  })

  it('that finds few rows has to be named', () => {
    const few = () => ({ matched: 3 })
    expect(said(decided('total cost by plan', undefined, few))).toContain(
      'by tenant only 3 of 400 rows match; if that is the key, add “joined on tenant”',
    )
    expect(said(decided('total cost by plan joined on tenant', undefined, few))).toContain(
      '(3 of 400 rows match)',
    )
  })

  it('that every table might call so has to be named', () => {
    const one = profileOf([texts('name', 'a', 'b'), numbers('cost_usd', 2)], { fileName: 'jobs.csv' })
    const two = profileOf([texts('name', 'a', 'b'), texts('owner', 'x', 'y')], { fileName: 'people.csv' })
    const tables = [tableOf(one), tableOf(two)]
    expect(said(decided('total cost by owner', tables, () => ({})))).toContain('add “joined on name”')
    expect(said(decided('total cost by owner joined on name', tables, () => ({})))).toContain(
      'jobs.csv joined with people.csv on name',
    )
  })

  it('J5: of several the user chooses, and is not asked again', () => {
    const one = profileOf([texts('tenant', 'a'), texts('site_id', 's'), numbers('cost_usd', 2)], {
      fileName: 'requests.csv',
    })
    const two = profileOf([texts('tenant', 'a'), texts('site_id', 's'), texts('plan', 'x', 'y')], {
      fileName: 'customers.csv',
    })
    const tables = (choices = {}) => [tableOf(one, choices), tableOf(two, choices)]
    const asked = decided('total cost by plan', tables())
    if (asked.kind !== 'ask') throw new Error(said(asked))
    expect(asked.question).toMatchObject({
      id: 'join_key:requests.csv:customers.csv',
      choices: [
        { value: 'tenant', label: 'tenant (388 of 400 rows match)' },
        { value: 'site_id', label: 'site_id (388 of 400 rows match)' },
      ],
    })
    const chosen = tables({ [asked.question.id]: 'site_id' })
    expect(said(decided('total cost by plan', chosen))).toContain('on site_id (')
    expect(said(decided('total cost by plan joined on tenant', tables()))).toContain('on tenant (')
  })

  it('that is good in one of two looks decides by itself', () => {
    const one = profileOf([texts('tenant', 'a'), texts('site_id', 's'), numbers('cost_usd', 2)], {
      fileName: 'requests.csv',
    })
    const two = profileOf([texts('tenant', 'a'), texts('site_id', 's'), texts('plan', 'x', 'y')], {
      fileName: 'customers.csv',
    })
    const outcome = decided('total cost by plan', [tableOf(one), tableOf(two)], (pair) =>
      pair.lookup.column === 'tenant' ? { repeated: { key: 'a', rows: 3 } } : countsOf(pair),
    )
    expect(said(outcome)).toContain('on site_id (')
  })
})

describe('columns of one name', () => {
  const placed = profileOf([...requests.columns, texts('region', 'us-east', 'eu-west')], {
    fileName: 'requests.csv',
  })

  it('in both files are asked about', () => {
    const outcome = decided(
      'total cost by region for plan pro',
      [tableOf(placed), tableOf(customers)],
      (pair) => (pair.lookup.column === 'region' ? { matched: 0 } : countsOf(pair)),
    )
    if (outcome.kind !== 'ask') throw new Error(said(outcome))
    expect(outcome.question.choices.map(({ value }) => value)).toEqual(['region', 'region (customers.csv)'])
  })

  it('are told apart in the SQL once chosen', () => {
    const choices = { 'column:region': 'region (customers.csv)' }
    const outcome = decided(
      'total cost by region for plan pro',
      [tableOf(placed, choices), tableOf(customers, choices)],
      (pair) => (pair.lookup.column === 'region' ? { matched: 0 } : countsOf(pair)),
    )
    if (outcome.kind !== 'read') throw new Error(said(outcome))
    expect(readingSql(outcome.reading)).toContain(`AS "region (customers.csv)"`)
  })
})
