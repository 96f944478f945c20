import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'tools/**/*.test.ts'],
    // Real databases, sockets and child processes start inside tests; two cores are shared.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Also on two cores, where Vitest would run one file at a time: much of a test is waiting for other processes.
    maxWorkers: 2,
    globalSetup: ['vitest.postgres.ts'],
  },
})
