import { test } from 'vitest'
import { cursorCases } from './cursors.contract.ts'
import { createMemoryCursors } from './cursors.ts'

test.each(Object.entries(cursorCases))('in memory: %s', async (_name, run) => {
  const written: string[] = []
  await run({
    cursors: createMemoryCursors(),
    write: (_transaction, value) => void written.push(value),
    written: async () => written,
  })
})
