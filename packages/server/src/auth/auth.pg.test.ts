import { systemIdMaker, type UserId } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { openPostgresStore } from '../store/postgres-store.ts'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { authContract } from './auth.contract.ts'
import { openLocalAuth } from './open-auth.ts'
import { revocationLimits } from './revocations.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  authContract('credentials on PostgreSQL', () => openTestPostgresStore(postgres))

  test('[B1] another node hears of a revocation from the store alone, within two polls, and once', async () => {
    await using opening = new AsyncDisposableStack()
    const { connectionString } = opening.use(await postgres.createDatabase())
    const makeId = systemIdMaker()
    const [here, there] = await Promise.all(
      [1, 2].map(async () => {
        const store = opening.use(await openPostgresStore({ connectionString, poolSize: 2 }))
        const userId = makeId('user')
        return opening.use(
          openLocalAuth({ store, makeId, userId, url: () => 'http://127.0.0.1:1', onError() {} }),
        )
      }),
    )
    if (here === undefined || there === undefined) throw new Error('There are two nodes')
    const user = await here.users.signIn({ issuer: 'https://id.test', subject: 'a', name: null }, 'user')
    if (user === null) throw new Error('A new user is not disabled')
    const heard: string[] = []
    const told = Promise.withResolvers<UserId>()
    here.revocations.onRevoke((_userId, where) => heard.push(`here ${where}`))
    there.revocations.onRevoke((userId, where) => {
      heard.push(`there ${where}`)
      told.resolve(userId)
    })
    const began = performance.now()
    await here.users.disable(user.userId)
    expect(await told.promise).toBe(user.userId)
    expect(performance.now() - began).toBeLessThan(2 * revocationLimits.pollMs)
    await there.revocations.poll()
    await here.revocations.poll()
    expect(heard).toEqual(['here here', 'there elsewhere'])
  })
})
