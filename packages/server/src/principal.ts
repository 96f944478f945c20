import type { UserId } from '@holdfast/protocol'

/** Who asks. Every service function takes it first (P1); a foreign object answers exactly as a missing one. */
export interface Principal {
  readonly kind: 'user' | 'service' | 'simulated' | 'local'
  readonly userId: UserId
}
