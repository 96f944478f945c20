/**
 * The life of a run (R1), decided without a database:
 *
 *   queued ──claim──▶ running ──end──▶ ended
 *      ▲                 │ claim after the lease expired: running again under the next epoch
 *      └────release──────┘
 *
 * Every state answers every step; time is passed in.
 */
export type RunState =
  | { readonly kind: 'queued'; readonly leaseEpoch: number }
  | { readonly kind: 'running'; readonly leaseEpoch: number; readonly leaseExpiresAtMs: number }
  | { readonly kind: 'ended'; readonly outcome: EndOutcome }

export type EndOutcome = 'completed' | 'failed' | 'cancelled'

export type RunStep =
  | { readonly kind: 'claim'; readonly nowMs: number; readonly leaseMs: number }
  /** The worker gives the run back: its server is draining. */
  | { readonly kind: 'release' }
  | { readonly kind: 'end'; readonly outcome: EndOutcome }

export type RunStepResult =
  | { readonly ok: true; readonly next: RunState }
  | { readonly ok: false; readonly why: 'leased' | 'ended' | 'not_running' }

export function stepRun(state: RunState, step: RunStep): RunStepResult {
  switch (state.kind) {
    case 'queued':
      switch (step.kind) {
        case 'claim':
          return accept(claimed(state.leaseEpoch, step))
        case 'release':
          return refuse('not_running')
        case 'end':
          // Only a worker completes a run; anyone may end one that none has taken.
          return step.outcome === 'completed'
            ? refuse('not_running')
            : accept({ kind: 'ended', outcome: step.outcome })
      }
      break
    case 'running':
      switch (step.kind) {
        case 'claim':
          return step.nowMs < state.leaseExpiresAtMs
            ? refuse('leased')
            : accept(claimed(state.leaseEpoch, step))
        case 'release':
          return accept({ kind: 'queued', leaseEpoch: state.leaseEpoch })
        case 'end':
          return accept({ kind: 'ended', outcome: step.outcome })
      }
      break
    case 'ended':
      return refuse('ended')
  }
}

const accept = (next: RunState): RunStepResult => ({ ok: true, next })
const refuse = (why: 'leased' | 'ended' | 'not_running'): RunStepResult => ({ ok: false, why })

const claimed = (leaseEpoch: number, step: Extract<RunStep, { kind: 'claim' }>): RunState => ({
  kind: 'running',
  leaseEpoch: leaseEpoch + 1,
  leaseExpiresAtMs: step.nowMs + step.leaseMs,
})
