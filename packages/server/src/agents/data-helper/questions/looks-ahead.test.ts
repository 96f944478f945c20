import { expect, test } from 'vitest'
import { looksAhead } from './looks-ahead.ts'
import { asking, requestLog } from './parse.test-support.ts'
import { tokenise } from './words.ts'

const ask = asking(requestLog)

test.each([
  'total cost tomorrow',
  'cost next month',
  'total cost forecast',
  'how many requests will fail',
  'what would acme cost on gpt-5-mini',
  'what would we pay for chat',
])('what is to come, or would be, is no figure of the data: %s', (question) => {
  expect(ask(question)).toMatch(/^refused: .*(?:look ahead|what would be)/)
})

test.each([
  'what would make it cheaper',
  'I would like the total cost',
  'what would be the total cost of acme',
  'will you tell me the total cost',
  'the total cost, if you will',
  'cost of the next model',
])('says nothing of the future: %s', (question) => {
  expect(looksAhead(tokenise(question))).toBeNull()
})
