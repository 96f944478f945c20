import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import type { StoreLogger } from '../store.ts'

/** PGlite is PostgreSQL in single-user mode: what other servers do in the background happens only when asked. */
const maintenance = {
  /** Bounds the log that the next start must replay. */
  checkpointMs: 60_000,
  /** Statistics for the planner, and the space of dead rows. */
  vacuumMs: 15 * 60_000,
} as const

/** Until disposed, which ends with a last checkpoint. */
export function startMaintenance(db: Kysely<Schema>, logger: StoreLogger | undefined): AsyncDisposable {
  const every = (ms: number, name: string, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      const began = performance.now()
      work().then(
        () => logger?.debug({ ms: Math.round(performance.now() - began) }, `store: ${name} done`),
        (error: unknown) => logger?.error({ error }, `store: ${name} failed; trying again in ${ms} ms`),
      )
    }, ms).unref()
  const timers = [
    every(maintenance.checkpointMs, 'checkpoint', () => sql`checkpoint`.execute(db)),
    every(maintenance.vacuumMs, 'vacuum', () => sql`vacuum (analyze)`.execute(db)),
  ]
  return {
    async [Symbol.asyncDispose]() {
      timers.forEach(clearInterval)
      await sql`checkpoint`.execute(db)
    },
  }
}
