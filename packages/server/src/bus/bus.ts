import type { Position, RunId, ThreadId, UserId } from '@holdfast/protocol'

/**
 * What nodes tell each other. All of them are hints (B1): what is behind each one finds out for itself, a little later.
 */
export type Hint =
  /** The thread's log has grown. Behind it: the poll of followed heads. */
  | { readonly kind: 'thread'; readonly threadId: ThreadId; readonly head: Position }
  /** So has what `user/me` tells. Behind it: the same poll. */
  | { readonly kind: 'user'; readonly userId: UserId; readonly head: Position }
  /** A run waits for a worker, of whichever node. Behind it: the workers' poll. */
  | { readonly kind: 'queued' }
  /** A running run shall end. Behind it: the heartbeat of whoever holds it, which reads the wish from its row (R6). */
  | { readonly kind: 'cancel'; readonly runId: RunId }
  /** Something of this user's was revoked. Behind it: the poll of revocations. */
  | { readonly kind: 'revoked'; readonly userId: UserId }

/** Hints between the nodes of one store: losing, repeating or reordering them changes latency only (B1). */
export interface Bus extends AsyncDisposable {
  /**
   * To all subscribers of all nodes, this one's among them, whether or not there is a way to the others now. After the
   * commit, never inside its transaction (B2). Does not wait, does not throw, runs no subscriber's code.
   */
  publish(hint: Hint): void
  /** Returns what ends the subscription. */
  subscribe(listener: (hint: Hint) => void): () => void
  /** Hints of other nodes may have been missed: look at what is behind them at once. Returns what ends it. */
  onResync(listener: () => void): () => void
}
