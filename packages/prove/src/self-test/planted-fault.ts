import type { Fault } from './fault-proxy.ts'

export interface PlantedFault {
  readonly name: string
  /** The check that has to fail on it. */
  readonly check: string
  readonly fault: () => Fault
  /** Where the plan's is too short for what has to be waited for. */
  readonly patienceMs?: number
  /** What else is different while it stands: hooks that do not do what they should, a stable build to compare with. */
  readonly setting?:
    | 'stall'
    | 'against'
    | 'restart-kills'
    | 'kill-forgets'
    | 'rollback-does-nothing'
    | 'certificate'
}
