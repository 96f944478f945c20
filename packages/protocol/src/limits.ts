const KiB = 1024
const MiB = 1024 * KiB

/** Every limit by name, with its unit at the end. Served in the contract; each has a test that meets it. */
export const limits = {
  /** L7: an event with its envelope as JSON text. Larger things are artifacts. */
  eventBytes: 64 * KiB,
  messageTextBytes: 16 * KiB,
  filesPerMessage: 20,
  threadTitleLength: 200,
  idempotencyKeyLength: 200,
  pageItems: 200,
  eventsPageItems: 1000,
  eventsPageBytes: 1 * MiB,
  jsonBodyBytes: 256 * KiB,
  /** One WebSocket frame from a client. */
  frameBytes: 64 * KiB,
  evFrameItems: 256,
  evFrameBytes: 256 * KiB,
  subscriptionsPerConnection: 200,
  helloWithinMs: 5_000,
} as const

export type Limits = typeof limits
