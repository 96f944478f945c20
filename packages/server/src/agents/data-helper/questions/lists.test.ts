import { expect, test } from 'vitest'
import { asking, requestLog } from './parse.test-support.ts'

const ask = asking(requestLog)

test.each([
  ['which models do we use', 'number of rows by model, over all 1,000 rows'],
  ['list all tenants', 'number of rows by tenant, over all 1,000 rows'],
  ['what features are there', 'number of rows by feature, over all 1,000 rows'],
  ['show me the models', 'number of rows by model, over all 1,000 rows'],
  ['which tenants use gpt-5', 'number of rows by tenant, over the rows of 1,000 where model is gpt-5'],
  ['which models did acme use in October', /by model.*tenant is acme, from 2026-10-01/],
  ['what is the most used feature', 'number of rows by feature, the 1 largest'],
  ['least popular models', 'number of rows by model, the 10 smallest'],
])('each with its rows: %s', (question, reading) => {
  if (typeof reading === 'string') expect(ask(question)).toContain(reading)
  else expect(ask(question)).toMatch(reading)
})

test.each([
  ['list the requests of acme', /refused: I list no single rows/],
  ['which models are slow', /^refused/],
  ['which tenant', /^refused/],
  ['list tenants and costs', /^refused/],
  ['which tenants only use gpt-5', /^refused/],
  ['list tenants without gpt-5', /^refused/],
  ['which tenants have status 429 and 500', /^refused/],
  ['which models could we use', /^refused/],
  ['p95 and cost by model', /^refused: it names two figures/],
  ['average and cost by model', /^refused: it names two figures/],
])('what is no list is not read as one: %s', (question, why) => {
  expect(ask(question)).toMatch(why)
})
