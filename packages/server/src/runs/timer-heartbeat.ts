import { CompiledQuery } from 'kysely'
import type { Store } from '../store/store.ts'
import type { Logger } from '../telemetry/logger.ts'
import {
  dueRuns,
  type HeldRun,
  type OpenHeartbeat,
  type RenewedRow,
  renewalOf,
  renewStatement,
} from './heartbeat.ts'
import { runLimits } from './run-limits.ts'

/**
 * A timer on the server's own thread, for a store that only this process can have open: a tool that blocks the
 * thread delays the beat, but there is nobody who could take the run over, and a node never takes from itself.
 */
export function timerHeartbeat(store: Pick<Store, 'db'>, logger: Logger): OpenHeartbeat {
  return async (node, onBeat) => {
    let held: readonly HeldRun[] = []
    let beating: Promise<void> = Promise.resolve()
    const beat = async (): Promise<void> => {
      const asked = dueRuns(held, Date.now())
      if (asked.length === 0) return
      try {
        const query = CompiledQuery.raw(renewStatement, [asked, node])
        const { rows } = await store.db.executeQuery<RenewedRow>(query)
        onBeat({ asked, renewals: rows.map(renewalOf) })
      } catch (error) {
        logger.error({ error }, 'heartbeat failed; leases run out if this lasts')
      }
    }
    const next = (): void => {
      beating = beating.then(beat)
    }
    const timer = setInterval(next, runLimits.heartbeatMs)
    return {
      hold: (runs) => {
        held = runs
      },
      beat: next,
      [Symbol.asyncDispose]: async () => {
        clearInterval(timer)
        await beating
      },
    }
  }
}
