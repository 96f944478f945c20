import { HoldfastError } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool } from '../../../tools/define-tool.ts'
import { withSchemaHint } from '../schema-hint.ts'
import { withCastHint } from '../sql-message.ts'
import { readThreadData } from '../thread-data.ts'
import { QueryRef } from '../tool-outputs.ts'
import { storeQuery } from './store-query.ts'

/** Rows a model reads; the rest is in the artifact. */
const shownRows = 20
const shownCellChars = 200

export const queryLimits = {
  /** A query that fails may be written anew this often in a run, with the schema at hand. */
  failures: 1,
} as const

export const QueryOutput = z.object({
  ref: QueryRef,
  rows: z.array(z.array(z.unknown())),
  truncated: z.boolean(),
})

export const queryTool = defineTool({
  name: 'query',
  description:
    'One SELECT of your own over the raw tables of this thread (every column is VARCHAR: cast with TRY_CAST). Its result is labelled ad-hoc SQL, unverified. No files, no network, no settings.',
  effect: 'idempotent',
  input: z.object({ sql: z.string().min(1).max(20_000) }),
  execute: async ({ sql }, context) => {
    const { profiles, tableNames } = await readThreadData(context)
    if (profiles.length === 0)
      throw new HoldfastError('bad_request', 'There is no table in this thread; add a file first')
    const tables = profiles.map(({ fileId }) => ({ fileId, name: tableNames.get(fileId) ?? 'data' }))
    const before = context.results.filter(({ tool }) => tool === 'query')
    const failures = before.filter(({ ok }) => !ok).length
    if (failures > queryLimits.failures)
      throw new HoldfastError(
        'bad_request',
        `${failures} queries have failed in this run and no further one is run; go on without, and say so`,
      )
    const number = before.length + 1
    const job = context.workspace.runSql(
      {
        // One file needs no name of its own.
        tables:
          tables.length === 1 ? [...tables, ...tables.map((table) => ({ ...table, name: 'data' }))] : tables,
        prepare: [],
        queries: [{ id: `query_${number}`, sql }],
      },
      context.signal,
    )
    const [result] = await job.catch((error: unknown) => {
      throw withSchemaHint(withCastHint(error), profiles, tableNames)
    })
    if (result === undefined) throw new Error('The job returned no result')
    const { ref, event } = await storeQuery(context, result, {
      title: 'Ad-hoc SQL, unverified',
      verified: false,
    })
    const rows = result.rows
      .slice(0, shownRows)
      .map((row) => row.map((cell) => (typeof cell === 'string' ? cell.slice(0, shownCellChars) : cell)))
    return {
      output: { ref, rows, truncated: result.truncated || result.rows.length > shownRows },
      artifacts: [ref.artifactId],
      events: [event],
    }
  },
})
