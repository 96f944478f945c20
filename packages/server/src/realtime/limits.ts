/** Of this server's sockets; what a client has to know is in the protocol's limits. Injectable for tests. */
export const realtimeLimits = {
  /** A pump stops reading the log while this much waits in the socket (an unguarded one held 196 MB). */
  pauseAtBufferedBytes: 256 * 1024,
  /** …and goes on when no more than this is left. */
  resumeAtBufferedBytes: 64 * 1024,
  /** B1: how often the heads of followed threads are asked for, whether or not a hint came. */
  pollMs: 1_500,
  /** Between two pings, give or take a fifth, so that a thousand clients do not answer at once. */
  heartbeatMs: 25_000,
  /** A pong later than this counts as none. */
  pongWithinMs: 10_000,
  /** A socket that was told to close and does not answer is destroyed. */
  closeTimeoutMs: 2_000,
  /** One bad message does not end a session; this many do (4500). */
  badFrames: 3,
} as const

export type RealtimeLimits = { readonly [Name in keyof typeof realtimeLimits]: number }
