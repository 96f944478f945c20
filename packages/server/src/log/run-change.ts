import type { NodeId, UserId } from '@holdfast/protocol'
import type { AppendCommand } from './event-log.ts'
import type { LifecycleNote } from './lifecycle-log.ts'

/**
 * What becomes of the run's row in the transaction that stores the events telling it (L3). It is part of the
 * append's own statement, so that the changes of many runs share one commit.
 */
export type RunChange =
  /** A new row, queued. Stored only where the thread is the owner's. */
  | {
      readonly kind: 'submit'
      readonly owner: UserId
      readonly model: string | null
      /** Unique with the owner: a second one under the same key stores nothing. */
      readonly idempotencyKey: string | null
      readonly requestHash: string
    }
  /** Running under the next lease, if it is queued or its lease has run out, and `leaseEpoch` is still its own. */
  | {
      readonly kind: 'claim'
      readonly node: NodeId
      readonly leaseEpoch: number
      readonly leaseMs: number
    }
  /** No lease any more. Of a running run only under the fence of the command. */
  | { readonly kind: 'end'; readonly status: 'completed' | 'failed' | 'cancelled' }

/** Events, the change they tell, and what the user's other tabs hear of it: all or nothing. */
export interface RunCommand extends AppendCommand {
  readonly change?: RunChange
  readonly notes?: readonly RunNote[]
}

/** A row for `user/me`; which thread and run it is about, the command says. */
export interface RunNote {
  readonly userId: UserId
  readonly note: LifecycleNote
}

/** The owner has submitted a run under this key before; nothing was stored. */
export class IdempotencyKeyTakenError extends Error {
  override readonly name = 'IdempotencyKeyTakenError'
}
