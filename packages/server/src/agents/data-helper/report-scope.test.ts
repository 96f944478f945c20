import { expect, test } from 'vitest'
import { mapFile } from './field-mapping.ts'
import { scopeOfReport } from './report-scope.ts'
import { openFiles } from './testing/open-files.ts'

test('files, their times, and the columns and files that an answer is not made of', async () => {
  await using files = await openFiles()
  const rows = (more: string) =>
    Array.from(
      { length: 20 },
      (_, n) => `2026-09-${String(n + 1).padStart(2, '0')}T00:00:00Z,gpt-5,360000,5000,0.5${more}`,
    )
  const head = 'timestamp,model,input_tokens,output_tokens,cost_usd'
  const main = await files.profile('usage.csv', [`${head},favourite_colour`, ...rows(',blue')].join('\n'))
  const other = await files.profile('notes.csv', 'note,colour\nx,red\ny,blue')
  const profiles = [main, other]
  const examined = {
    profiles,
    unreadable: [],
    tableNames: new Map(),
    mappings: profiles.map((profile) => mapFile(profile, new Map())),
    thread: { question: 'Where does the money go?', choices: new Map<string, string>(), openRequest: null },
  }
  const scope = scopeOfReport(examined, { playbook: 'cost_breakdown', queries: [] })
  expect(scope.coverage).toMatchObject([
    { file: 'usage.csv', rows: 20, used: true, from: expect.stringContaining('2026-09-01') },
    { file: 'notes.csv', rows: 2, used: false },
  ])
  expect(scope.notLookedAt).toEqual([
    expect.stringContaining('notes.csv is not used'),
    'Columns of usage.csv: favourite_colour.',
  ])
})

test('of several files, an answer about one table is made of that one', async () => {
  await using files = await openFiles()
  const profiles = [
    await files.profile('usage.csv', 'model,cost\ngpt-5,1\ngpt-5,2'),
    await files.profile('costs.csv', 'usage,cost\na,1\nb,2'),
  ]
  const examined = {
    profiles,
    unreadable: [],
    tableNames: new Map(profiles.map(({ fileId, fileName }) => [fileId, fileName.replace('.csv', '')])),
    mappings: profiles.map((profile) => mapFile(profile, new Map())),
    thread: { question: 'total cost', choices: new Map<string, string>(), openRequest: null },
  }
  const sql = 'SELECT "usage", sum("cost") AS total_cost FROM "costs" GROUP BY 1'
  const query = { id: 'answer', title: '', sql, verified: true, columns: [], rows: [], truncated: false }
  const scope = scopeOfReport(examined, { playbook: 'any_table', queries: [query] })
  expect(scope.coverage).toMatchObject([
    { file: 'usage.csv', used: false },
    { file: 'costs.csv', used: true },
  ])
  expect(scope.notLookedAt).toEqual([])
})
