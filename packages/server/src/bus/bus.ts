import type { Position, ThreadId } from '@holdfast/protocol'

export interface Hint {
  readonly threadId: ThreadId
  readonly head: Position
}

/** Hints between nodes (B1): losing, repeating or reordering them changes latency only. */
export interface Bus extends AsyncDisposable {
  /** After the commit, never inside its transaction (B2). Does not wait and does not throw. */
  publish(hint: Hint): void
  /** Returns what ends the subscription. */
  subscribe(listener: (hint: Hint) => void): () => void
}
