const MiB = 1024 * 1024

/**
 * Bounds of one job in a child process (D1). The three of memory stand one inside the other, because each alone has
 * been seen to fail: DuckDB's own does not count `repeat('x', 2e9)` (3.9 GB under 256 MB), the watchdog looks only
 * every `watchdogMs`, and the kernel's exists only where util-linux's prlimit is installed.
 */
export const sqlLimits = {
  /** Rows fetched of one query. */
  rows: 10_000,
  /** Characters of one cell in a result; longer text is cut and ends in an ellipsis. */
  cellLength: 32 * 1024,
  /** Characters of all cells of one result together; rows beyond are not fetched. */
  resultLength: 16 * MiB,
  /** Characters of one query's text. */
  sqlLength: 64 * 1024,
  queriesPerJob: 100,
  /** Of a whole query job, from the child's start. */
  deadlineMs: 60_000,
  /** Of a whole ingest job. */
  ingestDeadlineMs: 300_000,
  /** Between the interrupt at the deadline and SIGKILL: one huge repeat() ignored an interrupt for 24 s. */
  killAfterMs: 1_000,
  /** DuckDB's memory_limit. A query job has nowhere to spill: beyond this it fails. */
  memoryBytes: 1024 * MiB,
  /** Resident memory at which the watchdog kills the child. */
  residentBytes: 2048 * MiB,
  /** RLIMIT_DATA of the child where prlimit exists. */
  dataBytes: 3072 * MiB,
  watchdogMs: 50,
  threads: 4,
} as const

export type SqlLimits = { readonly [Name in keyof typeof sqlLimits]: number }
