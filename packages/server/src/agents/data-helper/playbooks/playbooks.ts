import { HoldfastError } from '@holdfast/protocol'
import type { Playbook } from '../playbook.ts'
import { anyTable } from './any-table.ts'
import { capacity } from './capacity.ts'
import { costBreakdown } from './cost-breakdown.ts'
import { latencyTail } from './latency-tail.ts'

/** Every playbook, in the order in which they are offered. */
export const playbooks: readonly Playbook[] = [costBreakdown, latencyTail, capacity, anyTable]

/** @throws {HoldfastError} bad_request: there is no such playbook; says which there are */
export function playbook(id: string): Playbook {
  const found = playbooks.find((candidate) => candidate.id === id)
  if (found === undefined)
    throw new HoldfastError(
      'bad_request',
      `There is no playbook ${JSON.stringify(id)}; choose one of ${playbooks.map((each) => each.id).join(', ')}`,
    )
  return found
}
