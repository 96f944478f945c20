import { setTimeout as sleep } from 'node:timers/promises'
import type { Numbers } from './plan.ts'
import { type Fault, type FaultProxy, isWebSocket } from './proxy.ts'
import type { Random } from './random.ts'

/** Every fault of the plan, in the order in which they will be done. */
export function planStrikes(numbers: Numbers, random: Random): Fault[] {
  const times = (count: number, make: () => Fault): Fault[] => Array.from({ length: count }, make)
  const first = times(numbers['open-holes'], () => ({ kind: 'hole', ms: 'open' }))
  const rest = random.shuffle([
    ...times(numbers.resets, () => ({ kind: 'reset' })),
    ...times(numbers.holes, () => ({ kind: 'hole', ms: random.between(30, 400) })),
    ...times(numbers.stalls, () => ({ kind: 'stall', ms: random.between(100, 1_000) })),
    ...times(numbers.slices, () => ({ kind: 'slice', bytes: random.between(1, 20), ms: 300 })),
    ...times(numbers.throttles, () => ({ kind: 'throttle', bytesPerSecond: 8_000, ms: 500 })),
    ...times(numbers.truncates, () => ({ kind: 'truncate' })),
    ...times(numbers.latencies, () => ({ kind: 'latency', delayMs: 50, ms: 1_000 })),
  ])
  // A client finds an open hole by its silence alone, after half a minute: these come in the first half.
  const every = Math.max(1, Math.floor(rest.length / 2 / Math.max(1, first.length)))
  return [
    ...first.flatMap((hole, index) => [hole, ...rest.slice(index * every, (index + 1) * every)]),
    ...rest.slice(first.length * every),
  ]
}

/** Between two looks for a victim when there is none. */
const lookMs = 20

/**
 * Strikes one connection after the other, evenly over `overMs`; only WebSockets, and such as are not
 * struck already. Resolves with how many were struck, which `signal` may cut short.
 */
export async function strikeAll(
  proxy: FaultProxy,
  faults: readonly Fault[],
  overMs: number,
  random: Random,
  signal: AbortSignal,
): Promise<number> {
  const beganMs = performance.now()
  let done = 0
  while (done < faults.length && !signal.aborted) {
    const dueMs = (overMs * done) / faults.length
    const earlyMs = dueMs - (performance.now() - beganMs)
    if (earlyMs > 1) await sleep(earlyMs)
    const victims = proxy.connections().filter((one) => isWebSocket(one) && !one.busy)
    const fault = faults[done]
    if (victims.length === 0 || fault === undefined) {
      await sleep(lookMs)
      continue
    }
    random.pick(victims).strike(fault)
    done += 1
  }
  return done
}
