const KiB = 1024
const MiB = 1024 * KiB

/** Every limit by name, with its unit at the end. Served in the contract; each has a test that meets it. */
export const limits = {
  /** L7: an event with its envelope as JSON text. Larger things are artifacts. */
  eventBytes: 64 * KiB,
  messageTextBytes: 16 * KiB,
  filesPerMessage: 20,
  threadTitleLength: 200,
  /** What titles and questions are searched for. */
  threadSearchLength: 200,
  idempotencyKeyLength: 200,
  pageItems: 200,
  /** Rows of a file that may be looked at without asking about it. */
  fileRowsPageItems: 200,
  eventsPageItems: 1000,
  eventsPageBytes: 1 * MiB,
  jsonBodyBytes: 256 * KiB,
  /** One WebSocket frame from a client. */
  frameBytes: 64 * KiB,
  evFrameItems: 256,
  evFrameBytes: 256 * KiB,
  subscriptionsPerConnection: 200,
  helloWithinMs: 5_000,
  /** Of a stream, sent and not acknowledged: a pump waits here until an ack comes. */
  unacknowledgedItems: 1_024,
  /** The longest life of a personal token, in days. */
  tokenDays: 90,
  /** WebSockets and event streams of one user on one node; a further one is closed with 4505, or answered limit_reached. */
  connectionsPerUser: 20,
  /** hello, sub, unsub, auth and frames that cannot be read: a bucket of this many, and its refill; then 4029. */
  commandsPerConnection: 60,
  commandsPerSecond: 20,
  /** One bad message does not end a session; this many do (4500). */
  badFramesPerConnection: 3,
  /** Between two pings, give or take a fifth, so that a thousand clients do not answer at once. */
  heartbeatMs: 25_000,
  /** A pong later than this counts as none (4008). */
  pongWithinMs: 10_000,
  /** A stream that has something to send and may not, for this long, ends the connection with 4008. */
  progressWithinMs: 30_000,
  /** The life of a connection is random between these (4040): some platforms cut at 60 minutes. */
  lifetimeLeastMs: 50 * 60_000,
  lifetimeMostMs: 58 * 60_000,
} as const

export type Limits = typeof limits
