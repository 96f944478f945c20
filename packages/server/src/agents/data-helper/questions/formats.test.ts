import { describe, expect, it } from 'vitest'
import { mapFile } from '../field-mapping.ts'
import { parseSimpleQuestion } from './parse.ts'
import { readingSql } from './reading-sql.ts'
import { openTestTable, sharedData } from './test-table.ts'

const exported = [
  ['generic_requests.csv', 24.120929, 262],
  ['litellm_spendlogs.csv', 24.120929, 262],
  ['langfuse_observations_v2.jsonl', 24.120929, 262],
  // Has only the requests that succeeded, and no word on failure.
  ['openrouter_activity.csv', 24.051432, null],
] as const

const questions = [
  'total cost',
  'total cost for gpt-5',
  'average latency by model',
  'how many requests failed',
] as const

describe.skipIf(!sharedData('synthetic-exports').present)(
  'simple questions give the same over every export of one truth (needs ../shared/data)',
  () => {
    it.each(exported)('%s', async (name, cost, failed) => {
      await using table = await openTestTable({ path: sharedData(`synthetic-exports/${name}`).path })
      const mapping = mapFile(table.profile, new Map())
      const read = questions.flatMap((question) => {
        const parsed = parseSimpleQuestion(question, { tableName: 'data', profile: table.profile, mapping })
        return parsed.ok ? [{ id: question, sql: readingSql(parsed.reading) }] : []
      })
      const results = await table.runAll(read)
      const first = (question: (typeof questions)[number]): readonly unknown[] | undefined =>
        results.get(question)?.rows[0]
      expect(first('total cost')?.[0]).toBeCloseTo(cost, 5)
      expect(first('total cost for gpt-5')?.[0]).toBeCloseTo(failed === null ? 15.243574 : 15.313071, 5)
      expect(first('average latency by model')?.slice(0, 2)).toEqual([
        'gpt-5',
        expect.closeTo(failed === null ? 4413.3 : 5278.826, 2),
      ])
      expect(first('how many requests failed')?.[0]).toBe(failed ?? undefined)
    })
  },
)
