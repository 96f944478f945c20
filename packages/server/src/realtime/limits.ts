import { limits } from '@holdfast/protocol'

/** Of this server's sockets. What a client has to know stands in the protocol's limits. Injectable for tests. */
export const realtimeLimits = {
  /** A pump stops reading the log while this much waits in the socket (an unguarded one held 196 MB). */
  pauseAtBufferedBytes: 256 * 1024,
  /** …and goes on when no more than this is left. */
  resumeAtBufferedBytes: 64 * 1024,
  /** What is read of a stream at a time: a frame's worth. */
  pageItems: limits.evFrameItems,
  pageBytes: limits.evFrameBytes,
  /** The ring of a stream that several connections follow: what they all are about to read. */
  ringItems: 1_024,
  ringBytes: 512 * 1024,
  /** All rings of this node; beyond it the one that has rested longest is emptied, and its readers ask the log. */
  ringTotalBytes: 64 * 1024 * 1024,
  /** B1: how often the heads of followed streams are asked for, whether or not a hint came. */
  pollMs: 1_500,
  /**
   * WebSockets, also those that are being judged, and event streams of this node; a further one is refused with 503.
   * Plain requests come on top (httpLimits.sockets). An idle one takes some 12 KB.
   */
  connections: 10_000,
  /** Sockets of one address whose handshake showed nobody, until they are signed; a further one is refused with 429. */
  pendingPerAddress: 5,
  /**
   * Sockets on their way from upgrade to hello while this process is behind with its work (loop-watch.ts); a further one
   * is refused with 503. Where thousands come back at once and all are let in, each is served so late that its client
   * has given up, and comes again: nobody is ever served (seen with 1,000 clients on 0.8 of a core).
   */
  unsignedWhileBehind: 32,
  /** What a client is asked to wait when something this server needs is not ready (1013). */
  comeBackMs: 2_000,
  /** How long before its end a client is asked for a new token (auth_soon). */
  authSoonMs: 60_000,
  /** Credentials are looked at again this often, and at once when something is revoked. */
  recheckMs: 5 * 60_000,
  /** A socket that was told to close and does not answer is destroyed. */
  closeTimeoutMs: 1_500,
  /** Drain: closes are spread over this much a connection, so that the next node is not met by all at once… */
  drainPerConnectionMs: 4,
  /** …and over this at most. With closeTimeoutMs below 7 s: 8 s after SIGTERM the process has to be gone. */
  drainMs: 5_000,
  /** 1012 names a random time up to this; the client comes back at a random moment before it. */
  drainHintMs: 2_000,
  connectionsPerUser: limits.connectionsPerUser,
  commandsPerConnection: limits.commandsPerConnection,
  commandsPerSecond: limits.commandsPerSecond,
  badFramesPerConnection: limits.badFramesPerConnection,
  unacknowledgedItems: limits.unacknowledgedItems,
  helloWithinMs: limits.helloWithinMs,
  heartbeatMs: limits.heartbeatMs,
  pongWithinMs: limits.pongWithinMs,
  progressWithinMs: limits.progressWithinMs,
  lifetimeLeastMs: limits.lifetimeLeastMs,
  lifetimeMostMs: limits.lifetimeMostMs,
} as const

export type RealtimeLimits = { readonly [Name in keyof typeof realtimeLimits]: number }
