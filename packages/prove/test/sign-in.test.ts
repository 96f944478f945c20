/** Signing in where others sign in too: a deployment limits how often an address may. */
import { e2ePaths } from '@holdfast/protocol/e2e'
import { expect, test } from 'vitest'
import type { Fault } from '../src/self-test/fault-proxy.ts'
import { proveBundled } from './bundled.test-support.ts'

const tooMany = (retryAfter: string) => ({
  status: 429,
  headers: { 'content-type': 'application/problem+json', 'retry-after': retryAfter },
  body: JSON.stringify({ title: 'Too many requests', status: 429, code: 'rate_limited' }),
})

/** Every second simulation comes too often, and may come again after so many seconds. */
const crowded = (retryAfter: string): Fault & { readonly asked: () => number } => {
  let asked = 0
  return {
    asked: () => asked,
    request({ method, path }) {
      if (method !== 'POST' || path !== e2ePaths.session) return
      asked += 1
      return asked % 2 === 1 ? tooMany(retryAfter) : undefined
    },
  }
}

test('who comes too often waits as long as it is told, and comes again', async () => {
  const fault = crowded('1')
  const { lines } = await proveBundled({ only: ['identity', 'sign-in'], plan: { users: 2 } }, fault)
  expect(lines.filter((line) => line.k === 'fact' && line.name === 'person')).toHaveLength(2)
  expect(fault.asked()).toBe(4)
})

test('who is shut out for longer does not wait', async () => {
  const fault = crowded('900')
  const { lines } = await proveBundled({ only: ['identity', 'sign-in'], plan: { users: 1 } }, fault)
  expect(lines.filter((line) => line.k === 'fact' && line.name === 'person')).toHaveLength(0)
  expect(fault.asked()).toBe(1)
})
