import type { FileId, Report } from '@holdfast/protocol'
import type { ToolContext } from '../../tools/define-tool.ts'
import { playbooks } from './playbooks/playbooks.ts'
import { chooseSources } from './sources.ts'
import { type Examined, examine } from './tools/examine.ts'

const namedColumns = 20

/** Of a report: what was asked, which files there are, and what of them the answer is not made of. */
export async function looksAt(
  context: ToolContext,
  report: Report,
): Promise<Pick<Report, 'question' | 'coverage' | 'notLookedAt'>> {
  return scopeOfReport(await examine(context), report)
}

/** Pure. */
export function scopeOfReport(
  { thread, profiles, mappings, unreadable, tableNames }: Examined,
  { playbook: id, queries }: Pick<Report, 'playbook' | 'queries'>,
): Required<Pick<Report, 'question' | 'coverage' | 'notLookedAt'>> {
  const playbook = playbooks.find((candidate) => candidate.id === id)
  const chosen = playbook === undefined || id === 'any_table' ? null : chooseSources(playbook, mappings)
  const sql = queries.map((query) => query.sql.toLowerCase()).join('\n')
  const isUsed = (fileId: FileId): boolean =>
    chosen === null
      ? profiles.length === 1 || namesTable(sql, tableNames.get(fileId) ?? 'data')
      : chosen.used.some((one) => one.fileId === fileId)
  return {
    question: thread.question,
    coverage: profiles.map(({ fileId, fileName, rows }) => {
      const span = mappings.find((mapping) => mapping.fileId === fileId)?.span ?? null
      return {
        file: fileName,
        rows,
        ...(span === null ? {} : { from: span.from, to: span.to }),
        used: isUsed(fileId),
      }
    }),
    notLookedAt: [
      ...(chosen?.notes ?? []),
      ...unreadable.map(({ file, why }) => `${file.name} could not be read: ${why}`),
      ...profiles
        .filter(({ fileId }) => isUsed(fileId))
        .flatMap((profile) => {
          const mapping = mappings.find((candidate) => candidate.fileId === profile.fileId)
          const meant = new Set(Object.values(mapping?.fields ?? {}).flatMap((field) => field.columns))
          // Of a table of one's own the SQL names the columns; of the canonical view only the mapping does.
          const left = profile.columns
            .map(({ name }) => name)
            .filter((name) => (chosen === null ? !sql.includes(name.toLowerCase()) : !meant.has(name)))
          if (left.length === 0) return []
          const more = left.length > namedColumns ? `, and ${left.length - namedColumns} more` : ''
          return [`Columns of ${profile.fileName}: ${left.slice(0, namedColumns).join(', ')}${more}.`]
        }),
    ],
  }
}

/** As SQL reads from it, so that a column of the same name is no table. */
function namesTable(sql: string, table: string): boolean {
  return new RegExp(String.raw`(?:\bfrom|\bjoin|,)\s*"?${table}"?(?!\w)`, 'u').test(sql)
}
