import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataHelperTools } from './data-helper.ts'

/** Every name and description that a model may fill in, at any depth. */
function fields(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
    ...fields(value),
  ])
}

test('[A3] no tool takes an id, a path or an address from a model: what it may reach comes from the run', () => {
  const named = dataHelperTools.flatMap(({ name, input }) =>
    fields(z.toJSONSchema(input, { io: 'input' })).map((field) => `${name}.${field}`),
  )
  // Most tools take nothing at all.
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((field) => /(id|ids|path|url|uri|host|owner|user|thread)$/i.test(field))).toEqual([])
})
