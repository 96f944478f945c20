import type { FileProfile } from '../../workspace/file-profile.ts'
import type { SqlResult } from '../../workspace/workspace.ts'
import type { Computed, RunSql } from './computed.ts'
import type { FileMapping } from './field-mapping.ts'
import { matchFindings, matchTitle, withMatch } from './playbooks/any-table/match-findings.ts'
import { simpleChart, simpleFindings } from './playbooks/any-table/simple-findings.ts'
import { overviewFindings, overviewQueries } from './playbooks/any-table/table-overview.ts'
import { playbooks } from './playbooks/playbooks.ts'
import { matchQuery, matchSql } from './questions/match-sql.ts'
import { describe, type SimpleReading } from './questions/reading.ts'
import { readingSql } from './questions/reading-sql.ts'
import type { ThreadData } from './thread-data.ts'
import type { ThreadQuestion } from './thread-question.ts'
import { triageJoined } from './triage-joined.ts'

interface TableQuestion extends ThreadData {
  readonly thread: ThreadQuestion
  readonly mappings: readonly FileMapping[]
}

/** Playbook 12: the figure a simple question names, or else what the table holds. Over the raw table of one file. */
export async function analyseTable(question: TableQuestion, run: RunSql): Promise<Computed> {
  const { thread, profiles, mappings, tableNames } = question
  // Read again rather than passed along: the SQL of a reading counts as verified only if nobody could touch it.
  const { choices } = thread
  const context = { playbooks, profiles, mappings, tableNames, choices }
  const { simple } = await triageJoined(thread.question, context, run)
  return simple === null ? overview(question, run) : answer(simple, question, run)
}

async function answer(reading: SimpleReading, { profiles }: TableQuestion, run: RunSql): Promise<Computed> {
  const profile = profiles.find(({ fileId }) => fileId === reading.fileId)
  if (profile === undefined)
    throw new Error(`The reading is of ${reading.fileName}, which is not in the thread`)
  const { join } = reading
  const lookup = profiles.find(({ fileId }) => fileId === join?.fileId)
  const [result, match] = await run({
    tables: [
      { name: reading.table, fileId: profile.fileId },
      ...(join === null || lookup === undefined ? [] : [{ name: join.table, fileId: lookup.fileId }]),
    ],
    prepare: [],
    queries: [
      { id: 'answer', sql: readingSql(reading) },
      ...(join === null ? [] : [{ id: matchQuery, sql: matchSql(reading, join) }]),
    ],
  })
  if (result === undefined) throw new Error('The job returned no result')
  const severalFiles = profiles.length > 1
  const found = simpleFindings(reading, result, profile, severalFiles)
  const answered = { result, title: describe(reading, severalFiles), chart: simpleChart(reading, result) }
  if (join === null || match === undefined)
    return { title: titleOf(reading), findings: found, queries: [answered], caveats: [] }
  const matched = { result: match, title: matchTitle(reading, join), chart: null }
  return {
    title: titleOf(reading),
    findings: withMatch(found, matchFindings(reading, join, match)),
    queries: [answered, matched],
    caveats: lookup?.problems ?? [],
  }
}

/** "Mean of latency_ms by tenant": the reading without its preamble and its rows. */
function titleOf(reading: SimpleReading): string {
  const said = describe({ ...reading, filters: [], window: null }).replace(/^I read this as: /, '')
  const measure = said.replace(/, over all [\s\S]*$/, '')
  return measure.charAt(0).toUpperCase() + measure.slice(1)
}

async function overview(question: TableQuestion, run: RunSql): Promise<Computed> {
  const { profiles, tableNames } = question
  const profile = fileOf(question)
  const name = tableNames.get(profile.fileId) ?? 'data'
  const queries = overviewQueries(profile, name)
  const results = await run({
    tables: [{ name, fileId: profile.fileId }],
    prepare: [],
    queries: queries.map(({ id, sql }) => ({ id, sql })),
  })
  const byId = new Map<string, SqlResult>(results.map((result) => [result.id, result]))
  const others = profiles.filter((each) => each !== profile).map(({ fileName }) => fileName)
  return {
    title: `Overview of ${profile.fileName}`,
    findings: overviewFindings(byId, profile),
    queries: queries.flatMap(({ id, title, chart }) => {
      const result = byId.get(id)
      return result === undefined ? [] : [{ result, title, chart: chart ?? null }]
    }),
    caveats:
      others.length === 0
        ? []
        : [`Only ${profile.fileName} is described; name ${others.join(' or ')} to see it.`],
  }
}

/** The file the question names, or else the newest. */
function fileOf({ profiles, thread }: TableQuestion): FileProfile {
  const asked = thread.question.toLowerCase()
  const named = profiles.find(({ fileName }) => asked.includes(fileName.toLowerCase()))
  const file = named ?? profiles.at(-1)
  if (file === undefined) throw new Error('There is no file to describe')
  return file
}
