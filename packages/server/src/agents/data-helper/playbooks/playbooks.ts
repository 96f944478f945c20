import { HoldfastError } from '@holdfast/protocol'
import type { Playbook } from '../playbook.ts'
import { anomalyDays } from './anomaly-days/anomaly-days.ts'
import { anyTable } from './any-table/any-table.ts'
import { batchEligibility } from './batch-eligibility/batch-eligibility.ts'
import { capacity } from './capacity/capacity.ts'
import { chargeback } from './chargeback/chargeback.ts'
import { costBreakdown } from './cost-breakdown/cost-breakdown.ts'
import { downShift } from './down-shift/down-shift.ts'
import { errorsRetries } from './errors-retries/errors-retries.ts'
import { latencyTail } from './latency-tail/latency-tail.ts'
import { lengthsTruncation } from './lengths-truncation/lengths-truncation.ts'
import { monthOverMonth } from './month-over-month/month-over-month.ts'
import { promptCaching } from './prompt-caching/prompt-caching.ts'

/** Every playbook, in the order in which they are offered. */
export const playbooks: readonly Playbook[] = [
  costBreakdown,
  monthOverMonth,
  downShift,
  promptCaching,
  latencyTail,
  capacity,
  errorsRetries,
  lengthsTruncation,
  chargeback,
  batchEligibility,
  anomalyDays,
  anyTable,
]

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
