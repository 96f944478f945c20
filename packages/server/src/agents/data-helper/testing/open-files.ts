import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type FileId, type FileKind, systemIdMaker } from '@holdfast/protocol'
import { createDirectoryBlobs } from '../../../workspace/directory-blobs.ts'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import { createLocalUploads } from '../../../workspace/local-uploads.ts'
import { sqlLimits } from '../../../workspace/sql-limits.ts'
import { createTables, type TableFile } from '../../../workspace/tables.ts'
import { workspaceLimits } from '../../../workspace/workspace-limits.ts'
import { analyseUsage } from '../analyse-usage.ts'
import type { Computed, RunSql } from '../computed.ts'
import { mapFile } from '../field-mapping.ts'
import type { Playbook } from '../playbook.ts'
import { checkSufficiency, type Verdict } from '../sufficiency.ts'

/** Real files through the real ingest and query child processes, without a database of users and threads. */
export interface TestFiles extends AsyncDisposable {
  /** @param content text of the file, or null to read it from `path` */
  profile(path: string, content?: string): Promise<FileProfile>
  readonly run: RunSql
  /** The walk of the data helper without its tools: map, judge, and analyse where the verdict allows. */
  answer(
    playbook: Playbook,
    profiles: readonly FileProfile[],
    choices?: ReadonlyMap<string, string>,
  ): Promise<{ readonly verdict: Verdict; readonly computed: Computed | null }>
}

/** What is tested is the answer; on a machine that does much else it may take longer than a user would wait. */
const patientDeadlineMs = 10 * sqlLimits.deadlineMs

const kinds: Readonly<Record<string, FileKind>> = { csv: 'csv', tsv: 'tsv', json: 'json', jsonl: 'jsonl' }

export async function openFiles(): Promise<TestFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-usage-'))
  const blobs = createDirectoryBlobs({ directory: join(directory, 'blobs'), durable: false })
  const uploads = createLocalUploads(blobs, join(directory, 'cache'), 0)
  const tables = createTables({ directory, uploads, sql: sqlLimits, workspace: workspaceLimits })
  const makeId = systemIdMaker()
  const kindsById = new Map<FileId, FileKind>()
  const threadId = makeId('thread')
  const fileOf = (id: FileId): TableFile => ({
    id,
    thread_id: threadId,
    kind: kindsById.get(id) ?? 'csv',
    sha256: '',
  })
  const { signal } = new AbortController()
  const run: RunSql = async (job) => {
    const queries = job.queries.map((query) => ({ maxRows: sqlLimits.rows, ...query }))
    const results = await tables.query(
      {
        tables: job.tables.map(({ name, fileId }) => ({ name, file: fileOf(fileId) })),
        prepare: job.prepare,
        queries,
        verified: true,
      },
      patientDeadlineMs,
      signal,
    )
    return results.map((result, index) => ({ ...result, sql: queries[index]?.sql ?? '' }))
  }
  return {
    run,
    async profile(path, content) {
      const fileId: FileId = makeId('file')
      await blobs.write(
        { threadId, id: fileId },
        content === undefined ? createReadStream(path) : bytes(content),
      )
      const kind = kinds[path.split('.').at(-1) ?? ''] ?? 'csv'
      kindsById.set(fileId, kind)
      const table = await tables.ingest(fileOf(fileId), signal)
      return { ...table, fileId, fileName: basename(path) }
    },
    async answer(playbook, profiles, choices = new Map()) {
      const verdict = checkSufficiency(
        playbook,
        profiles.map((profile) => mapFile(profile, choices)),
        choices,
      )
      if (verdict.sufficiency !== 'sufficient' && verdict.sufficiency !== 'partial')
        return { verdict, computed: null }
      const tableNames = new Map(
        verdict.sources.map(({ fileId }, index) => [String(fileId), `file_${index}`]),
      )
      return { verdict, computed: await analyseUsage({ playbook, verdict, tableNames }, run) }
    },
    async [Symbol.asyncDispose]() {
      tables.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function* bytes(content: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(content)
}

/** The value of a figure of an answer. */
export function figureOf(computed: Computed | null, id: string): number | string | null | undefined {
  return computed?.findings.figures.find((figure) => figure.id === id)?.value
}

/** The rows of a query of an answer as objects. */
export function rowsOf(computed: Computed | null, id: string): readonly Readonly<Record<string, unknown>>[] {
  const result = computed?.queries.find((query) => query.result.id === id)?.result
  if (result === undefined) return []
  return result.rows.map((row) =>
    Object.fromEntries(result.columns.map((column, index) => [column, row[index]])),
  )
}
