export const runLimits = {
  /** A dead worker's run is taken over after this (R2). */
  leaseMs: 3_000,
  heartbeatMs: 1_000,
  /** A heartbeat that the database has not answered by then has failed; the next one makes a new connection. */
  beatWithinMs: 2_000,
  /** So long a heartbeat waits for a run's row that somebody has locked; the next one tries again. */
  lockWaitMs: 300,
  /** An attempt that takes longer is stopped, and the run fails with run_timeout. */
  attemptMs: 30 * 60_000,
  /** One that does not stop even then loses its lease, so that another node can end its run. */
  stopWithinMs: 15_000,
  /** Without any hint a queued run is found after this. */
  claimPollMs: 1_000,
  /** How often, at most, a look for work also looks for leases that ran out. */
  expiredPollMs: 400,
  /** After so many attempts that died, the run fails with attempts_exhausted (R3). */
  attempts: 3,
  /** Runs one worker carries at a time: most of their time they wait for a model or a tool's own process. */
  concurrentPerWorker: 64,
  /** Runs of one user at a time on all nodes; further ones wait in the queue. */
  concurrentPerUser: 8,
  /** Queued runs of one user that a look for work takes before it goes on to the next user. */
  perUserAndLook: 4,
  /** Users a look for work goes through: more than can be at their limit at a time. */
  usersPerLook: 1_000,
  /** Ended runs of the thread that a model is shown. */
  earlierRuns: 20,
} as const

export type RunLimits = { readonly [Name in keyof typeof runLimits]: number }
