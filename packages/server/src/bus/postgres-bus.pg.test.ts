import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { retryPolicies } from '../environment/retry-policy.ts'
import { openMuteProxy } from '../store/testing/mute-proxy.ts'
import { startTestPostgres } from '../store/testing/postgres.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { cuttableBusContract } from './bus.contract.ts'
import type { Hint } from './bus.ts'
import { openPostgresBus } from './postgres-bus.ts'

const postgres = await startTestPostgres()
const options = { policy: retryPolicies.test, logger: silentLogger }

/** The backends of buses, in the order in which they came. */
const backends = `select pid from pg_stat_activity
  where datname = current_database() and application_name = 'holdfast bus' order by backend_start`

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  cuttableBusContract('the bus on NOTIFY', async () => {
    await using opening = new AsyncDisposableStack()
    const { connectionString } = opening.use(await postgres.createDatabase())
    const admin = new pg.Client({ connectionString })
    await admin.connect()
    opening.defer(() => admin.end())
    const here = opening.use(await openPostgresBus({ connectionString, ...options }))
    const there = opening.use(await openPostgresBus({ connectionString, ...options }))
    const owned = opening.move()
    return {
      here,
      there,
      async cut() {
        const { rows } = await admin.query<{ pid: number }>(backends)
        await admin.query('select pg_terminate_backend($1, 5000)', [rows[1]?.pid])
      },
      mend: async () => {},
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  })

  test('[B1] a connection on which nothing passes any more is noticed by its heartbeat, and made again', async () => {
    await using database = await postgres.createDatabase()
    await using proxy = await openMuteProxy(database.connectionString)
    const timing = { answerMs: 200, heartbeatMs: 50 }
    const logger = { ...silentLogger, warn: () => proxy.unmute() }
    await using bus = await openPostgresBus({ connectionString: proxy.url, ...options, logger, timing })
    await using peer = await openPostgresBus({ connectionString: database.connectionString, ...options })
    const again = Promise.withResolvers<void>()
    bus.onResync(again.resolve)
    const heard: Hint[] = []
    bus.subscribe((hint) => heard.push(hint))
    // Passes again only once the loss was told.
    proxy.mute()
    await again.promise
    peer.publish({ kind: 'queued' })
    await expect.poll(() => heard).toContainEqual({ kind: 'queued' })
  })
})
