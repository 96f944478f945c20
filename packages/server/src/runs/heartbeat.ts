import type { NodeId, RunId } from '@holdfast/protocol'

/** A run in this node's hands. */
export interface HeldRun {
  readonly runId: RunId
  /** On `Date.now()`'s clock: after this its lease is renewed no more, whatever holds the run up. */
  readonly untilMs: number
}

export interface Renewal {
  readonly runId: RunId
  readonly leaseEpoch: number
  readonly cancelBy: 'user' | 'superseded' | null
}

/** What a beat found: of the runs it asked for, those that this node still holds, as far as anybody has committed. */
export interface Beat {
  readonly asked: readonly RunId[]
  readonly renewals: readonly Renewal[]
}

/**
 * R2: renews the leases of a node every runLimits.heartbeatMs. It is also how a cancel on another node is heard (R6).
 * A beat that fails is told to the logger; leases run out if that lasts.
 */
export interface Heartbeat extends AsyncDisposable {
  /** All that are held from now on; what is left out is let go of. */
  hold(runs: readonly HeldRun[]): void
  /** Beats now rather than at its time. */
  beat(): void
}

export type OpenHeartbeat = (node: NodeId, onBeat: (beat: Beat) => void) => Promise<Heartbeat>

/** The runs a beat at `nowMs` renews. */
export const dueRuns = (held: readonly HeldRun[], nowMs: number): readonly RunId[] =>
  held.filter(({ untilMs }) => untilMs > nowMs).map(({ runId }) => runId)
