import { Worker } from 'node:worker_threads'
import type { NodeId, RunId } from '@holdfast/protocol'
import type { Logger } from '../telemetry/logger.ts'
import type { Beat, HeldRun, OpenHeartbeat } from './heartbeat.ts'

/** What goes to the thread. */
export type HeartbeatRequest =
  | { readonly kind: 'hold'; readonly runs: readonly HeldRun[] }
  | { readonly kind: 'beat' }
  | { readonly kind: 'close' }

/** What comes back. */
export type HeartbeatReply =
  | { readonly kind: 'beat'; readonly beat: Beat }
  | { readonly kind: 'failed'; readonly message: string }

export interface HeartbeatThreadOptions {
  readonly connectionString: string
  readonly node: NodeId
}

/**
 * R2: a thread with a connection of its own. Where other nodes could take a run over, nothing that an agent or a
 * tool does to this thread may stop the renewals: not a loop, not a large JSON, not a garbage collection.
 */
export function threadHeartbeat(connectionString: string, logger: Logger): OpenHeartbeat {
  return async (node, onBeat) => {
    const options: HeartbeatThreadOptions = { connectionString, node }
    const thread = new Worker(new URL('./heartbeat-thread.ts', import.meta.url), { workerData: options })
    const ended = Promise.withResolvers<void>()
    let closing = false
    /** A beat tells of the runs that were held when it began; one that was let go of since is nobody's any more. */
    let held: ReadonlySet<RunId> = new Set()
    thread.on('message', (reply: HeartbeatReply) => {
      if (reply.kind === 'failed')
        return logger.error({ reason: reply.message }, 'heartbeat failed; leases run out if this lasts')
      const asked = reply.beat.asked.filter((runId) => held.has(runId))
      onBeat({ asked, renewals: reply.beat.renewals })
    })
    // Runs without a heartbeat would be taken over one by one: a bug that has to end the process instead.
    thread.on('error', (error) => {
      throw new Error('The heartbeat thread broke', { cause: error })
    })
    thread.on('exit', () => {
      ended.resolve()
      if (!closing) throw new Error('The heartbeat thread ended by itself')
    })
    const send = (request: HeartbeatRequest): void => thread.postMessage(request)
    return {
      hold(runs) {
        held = new Set(runs.map(({ runId }) => runId))
        send({ kind: 'hold', runs })
      },
      beat: () => send({ kind: 'beat' }),
      async [Symbol.asyncDispose]() {
        if (!closing) {
          closing = true
          send({ kind: 'close' })
        }
        await ended.promise
      },
    }
  }
}
