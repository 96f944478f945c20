import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrate } from './migrate.ts'
import { openMemoryStore } from './pglite-store.ts'

test('a migrated database is left as it is; one of a newer version is refused', async () => {
  await using store = await openMemoryStore()
  await migrate(store.db)
  expect(await store.db.selectFrom('meta').select('value').where('key', '=', 'epoch').execute()).toEqual([
    { value: store.epoch },
  ])
  await sql`insert into kysely_migration (name, timestamp) values ('9999-future', '2099-01-01T00:00:00Z')`.execute(
    store.db,
  )
  await expect(migrate(store.db)).rejects.toMatchObject({
    code: 'not_ready',
    message: expect.stringContaining('9999-future'),
  })
})
