import pg from 'pg'
import { expect, test } from 'vitest'
import { StoreAwayError, storeFault } from './store-fault.ts'

function answer(state: string): Error {
  const error = new pg.DatabaseError('x', 1, 'error')
  error.code = state
  return error
}
const system = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code })

test.each([
  ['57P01', 'away'],
  ['57P02', 'away'],
  ['57P03', 'away'],
  ['08006', 'away'],
  ['53300', 'busy'],
  ['57014', 'busy'],
  ['55P03', 'busy'],
  ['28P01', 'refused'],
  ['3D000', 'refused'],
  // The statement's own.
  ['23505', null],
  ['22P05', null],
  ['40P01', null],
  ['42601', null],
  ['25P02', null],
])('SQLSTATE %s: %s', (state, fault) => expect(storeFault(answer(state))).toBe(fault))

test.each([
  [system('ECONNREFUSED'), 'away'],
  [system('ECONNRESET'), 'away'],
  [system('ENOTFOUND'), 'away'],
  [new AggregateError([system('ECONNREFUSED'), system('ECONNREFUSED')]), 'away'],
  [new Error('Connection terminated unexpectedly'), 'away'],
  [new Error('Query read timeout'), 'away'],
  [new Error('timeout expired'), 'away'],
  [new Error('timeout exceeded when trying to connect'), 'busy'],
  // Bugs stay bugs.
  [new TypeError('x is not a function'), null],
  [system('ERR_INVALID_ARG_TYPE'), null],
  ['text', null],
  [undefined, null],
])('%s: %s', (error, fault) => expect(storeFault(error)).toBe(fault))

test('what a user reads of it says what to do, and nothing of the inside', () => {
  for (const fault of ['away', 'busy', 'refused'] as const) {
    const error = new StoreAwayError(fault, { cause: new Error('password of db:5432') })
    expect(error).toMatchObject({ code: 'not_ready', retryable: true })
    expect(error.message).toMatch(/try again/)
    expect(error.message).not.toMatch(/db|5432|password/)
  }
})
