import { CompiledQuery } from 'kysely'
import type { Store } from '../store/store.ts'
import type { Logger } from '../telemetry/logger.ts'
import { dueRuns, type HeldRun, type OpenHeartbeat } from './heartbeat.ts'
import { type RenewedRow, renewLeases } from './renew-leases.ts'
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
        const renewals = await renewLeases(
          async ({ text }, values) =>
            (await store.db.executeQuery<RenewedRow>(CompiledQuery.raw(text, [...values]))).rows,
          asked,
          node,
        )
        onBeat({ asked, renewals })
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
