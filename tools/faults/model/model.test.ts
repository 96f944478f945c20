import { expect, test } from 'vitest'
import { runModel } from './run-model.ts'

/** `npm run faults -- --profile model` tries 100,000. */
const seeds = 1_000

test(`[L2] [B1] [U1] [U2] [U3] ${seeds} schedules of hub, pumps and clients: every reader applies exactly the log`, async () => {
  const { schedules, finding } = await runModel({ seeds, seed: Date.now() % 2 ** 31 })
  expect(finding).toBeNull()
  expect(schedules).toBe(seeds)
})
