/** A token bucket: so many commands at once, refilled at a steady rate. Pure; time is passed in. */
export interface CommandBucket {
  readonly left: number
  readonly atMs: number
}

export interface BucketLimits {
  readonly commandsPerConnection: number
  readonly commandsPerSecond: number
}

export function fullBucket(limits: BucketLimits, nowMs: number): CommandBucket {
  return { left: limits.commandsPerConnection, atMs: nowMs }
}

/** The bucket with one command less, or how long until there is room for one. */
export function takeCommand(
  bucket: CommandBucket,
  limits: BucketLimits,
  nowMs: number,
): { readonly ok: true; readonly bucket: CommandBucket } | { readonly ok: false; readonly waitMs: number } {
  // A clock that is set back refills nothing and takes nothing away.
  const passedMs = Math.max(nowMs - bucket.atMs, 0)
  const left = Math.min(
    limits.commandsPerConnection,
    bucket.left + (passedMs * limits.commandsPerSecond) / 1000,
  )
  if (left >= 1) return { ok: true, bucket: { left: left - 1, atMs: nowMs } }
  return { ok: false, waitMs: Math.ceil(((1 - left) * 1000) / limits.commandsPerSecond) }
}
