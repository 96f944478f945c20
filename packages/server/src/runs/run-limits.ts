export const runLimits = {
  /** A dead worker's run is taken over after this (R2). */
  leaseMs: 3_000,
  heartbeatMs: 1_000,
  /** Without any hint a queued run is found after this. */
  claimPollMs: 1_000,
  /** After so many attempts that died, the run fails with attempts_exhausted. */
  attempts: 3,
  /** Runs one worker carries at a time. */
  concurrentPerWorker: 8,
  /** Ended runs of the thread that a model is shown. */
  earlierRuns: 20,
} as const
