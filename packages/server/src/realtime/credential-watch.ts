import type { UserId } from '@holdfast/protocol'
import type { Access, Authenticator, Credentials } from '../auth/authenticator.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { RealtimeLimits } from './limits.ts'
import { merged } from './merged.ts'
import type { Schedule } from './schedule.ts'

export interface CredentialWatch extends Disposable {
  /** Something of this user's was revoked. */
  revoked(userId: UserId): void
}

export interface WatchedCredentials {
  readonly access: Access
  readonly credentials: Credentials
  /** They are not good any more. Called once at most. */
  readonly ended: () => void
}

export interface CredentialWatchDeps {
  readonly authenticator: Pick<Authenticator, 'authenticate'>
  readonly schedule: Schedule
  readonly nowMs: () => number
  readonly limits: Pick<RealtimeLimits, 'recheckMs' | 'lifetimeMostMs'>
  readonly logger: Logger
}

/** What session-transitions.ts does for a WebSocket, for a response that goes on for long. */
export function watchCredentials(
  { access, credentials, ended }: WatchedCredentials,
  { authenticator, schedule, nowMs, limits, logger }: CredentialWatchDeps,
): CredentialWatch {
  const { userId } = access.principal
  let stopped = false
  let cancelLook = (): void => {}
  const stop = (): void => {
    stopped = true
    cancelLook()
    cancelExpiry()
  }
  const end = (): void => {
    if (stopped) return
    stop()
    ended()
  }
  const isGood = async (): Promise<boolean> => {
    try {
      const now = await authenticator.authenticate(credentials)
      return now?.principal.userId === userId && now.scopes.includes('read')
    } catch (error) {
      logger.warn({ err: error }, 'credentials cannot be looked at; what hangs on them ends')
      return false
    }
  }
  const look = merged(async () => {
    cancelLook()
    if (stopped) return
    if (!(await isGood())) end()
    else if (!stopped) cancelLook = schedule(() => void look(), limits.recheckMs)
  })
  const leftMs = (access.endsAtMs ?? Number.POSITIVE_INFINITY) - nowMs()
  // Nothing stays open for longer, so that a timer is never longer than one can be (2³¹ ms).
  const cancelExpiry = schedule(end, Math.max(Math.min(leftMs, limits.lifetimeMostMs), 0))
  // At once: between the request and here nobody knew yet whom to tell of a revocation.
  void look()
  return {
    revoked(of) {
      if (of === userId && !stopped) void look()
    },
    [Symbol.dispose]: stop,
  }
}
