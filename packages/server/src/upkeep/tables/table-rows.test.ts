import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openMemoryStore } from '../../store/pglite-store.ts'
import type { Store } from '../../store/store.ts'
import { nextRows, readRows, rowLimits } from './table-rows.ts'
import { tableShapes } from './table-shapes.ts'
import { inSnapshot } from './whole-store.ts'

let store: Store
beforeAll(async () => {
  store = await openMemoryStore()
})
afterAll(() => store[Symbol.asyncDispose]())

test('those that others refer to come first, and bookkeeping of migrations does not come at all', async () => {
  const names = (await tableShapes(store.db)).map(({ name }) => name)
  const before = (one: string, other: string): boolean => names.indexOf(one) < names.indexOf(other)
  expect([before('users', 'sessions'), before('sessions', 'ws_tickets'), before('threads', 'runs')]).toEqual([
    true,
    true,
    true,
  ])
  expect(names).toContain('meta')
  expect(names.filter((name) => name.startsWith('kysely'))).toEqual([])
})

test('every table has a key, and those that the database numbers are known', async () => {
  const shapes = await tableShapes(store.db)
  expect(shapes.filter(({ key }) => key.length === 0)).toEqual([])
  expect(shapes.find(({ name }) => name === 'events')?.key).toEqual(['thread_id', 'seq'])
  expect(
    shapes.filter(({ numbered }) => numbered !== null).map(({ name, numbered }) => [name, numbered]),
  ).toEqual(
    expect.arrayContaining([
      ['audit', 'id'],
      ['revocations', 'id'],
    ]),
  )
})

test('rows come in the order of their bytes, whatever order their column has', async () => {
  // Of a language every database may have another: two stores would be compared in two orders.
  await sql`create collation if not exists folded (provider = icu, locale = 'und')`.execute(store.db)
  await sql`create table words (word text collate folded primary key)`.execute(store.db)
  await sql`insert into words values ('a'), ('B'), ('ä'), ('Z')`.execute(store.db)
  const words = await inSnapshot(store.db, async (tx) => {
    const shape = (await tableShapes(tx)).find(({ name }) => name === 'words')
    if (shape === undefined) throw new Error('no table')
    const found: (string | null | undefined)[] = []
    for await (const { rows } of readRows(tx, shape)) found.push(...rows.map(([word]) => word))
    return found
  })
  expect(words).toEqual(['B', 'Z', 'a', 'ä'])
})

test.each([
  [100, 100, rowLimits.pageRows],
  [100, rowLimits.pageBytes, 100],
  [100, 10 * rowLimits.pageBytes, 10],
  [1, 100 * rowLimits.pageBytes, 1],
  [100, 0, rowLimits.pageRows],
])('after %i rows of %i bytes the next page has %i', (rows, bytes, expected) => {
  expect(nextRows(rows, bytes)).toBe(expected)
})
