import type { ToolContext } from '../../../tools/define-tool.ts'
import type { RunSql } from '../computed.ts'
import { type FileMapping, mapFile } from '../field-mapping.ts'
import type { Playbook, PlaybookId } from '../playbook.ts'
import { playbook as playbookById, playbooks } from '../playbooks/playbooks.ts'
import { readChoice } from '../question-choices.ts'
import { applySelection } from '../selection/apply-selection.ts'
import { type ReadSelection, readSelection } from '../selection/read-selection.ts'
import { type Selection, wholeSelection } from '../selection/selection.ts'
import type { DataSpan } from '../selection/take-windows.ts'
import { wholeQuestion } from '../selection/whole-question.ts'
import { looksLikeSql } from '../sql-message.ts'
import { checkSufficiency, type Verdict } from '../sufficiency.ts'
import { readThreadData, type ThreadData } from '../thread-data.ts'
import { bringsData, type ThreadQuestion, threadQuestion } from '../thread-question.ts'
import { triage } from '../triage.ts'

/** What every tool after the profile starts from: the files, what their columns mean, and what the thread asks. */
export interface Examined extends ThreadData {
  readonly thread: ThreadQuestion
  readonly mappings: readonly FileMapping[]
}

/** Reads stored profiles and computes the rest, so that tools pass nothing along but the playbook's name. */
export async function examine(context: ToolContext): Promise<Examined> {
  const data = await readThreadData(context)
  const asks = (text: string): boolean => isQuestion(text, data)
  const thread = threadQuestion(context.earlier, context.message, readChoice, asks)
  return { ...data, thread, mappings: data.profiles.map((profile) => mapFile(profile, thread.choices)) }
}

function isQuestion(text: string, { profiles, tableNames }: ThreadData): boolean {
  if (looksLikeSql(text)) return true
  if (bringsData(text)) return false
  // By its words alone, or as a figure of the files; naming a column in passing is not asking.
  const byWords = triage(text, { playbooks, profiles: [] })
  if (!byWords.unrelated) return true
  const { simple, unmeasured } = triage(text, { playbooks, profiles, tableNames })
  return simple !== null || unmeasured.length > 0
}

export interface Judged extends Examined {
  readonly playbook: Playbook
  readonly verdict: Verdict
  /** "only rows where …", of a question that limits itself; null where it is about all rows. */
  readonly limits: string | null
}

/** @throws {HoldfastError} bad_request: no such playbook */
export async function judge(context: ToolContext, playbookId: string): Promise<Judged> {
  const examined = await examine(context)
  const playbook = playbookById(playbookId)
  const { thread, mappings: whole } = examined
  const read = questionSelection(examined, playbook.id)
  if (read.kind !== 'read') {
    // Said by triage already, unless a model went past it.
    const verdict = checkSufficiency(playbook, whole, thread.choices)
    const question = read.kind === 'ask' ? read.question : wholeQuestion(read, playbook.asks)
    return {
      ...examined,
      playbook,
      verdict: { ...verdict, sufficiency: 'ambiguous', question },
      limits: null,
    }
  }
  const { selection } = read
  const run: RunSql = (job) => context.workspace.runSql({ ...job, verified: true }, context.signal)
  const { mappings, says, notes } = await applySelection(
    selection,
    selectionFiles(examined),
    thread.choices,
    run,
  )
  const verdict = checkSufficiency(playbook, mappings, thread.choices, periodsOf(selection))
  return {
    ...examined,
    playbook,
    verdict: { ...verdict, notes: [...verdict.notes, ...notes] },
    limits: says,
  }
}

const periodsOf = ({ compare }: Selection) =>
  compare.flatMap(({ from, to }) =>
    from === null || to === null ? [] : [{ from: Date.parse(from), to: Date.parse(to) }],
  )

function selectionFiles({ profiles, mappings, tableNames }: Examined) {
  return profiles.flatMap((profile) => {
    const mapping = mappings.find(({ fileId }) => fileId === profile.fileId)
    return mapping === undefined
      ? []
      : [{ profile, mapping, table: tableNames.get(profile.fileId) ?? 'data' }]
  })
}

/**
 * The rows the question is about, read against the files: the reading that understands most of it counts, as one file
 * may know a customer that another does not. Where none reads a limit and one cannot tell whether there is one, that is
 * said: a file without customers knows nothing of a customer.
 */
export function questionSelection(examined: Examined, playbook: PlaybookId): ReadSelection {
  if (playbook === 'any_table') return { kind: 'read', selection: wholeSelection }
  const { thread, mappings } = examined
  const reads = selectionFiles(examined).map((file) =>
    readSelection(thread.question, playbook, file, thread.choices, spanOfAll(mappings, file.mapping)),
  )
  const weight = (read: ReadSelection) => (read.kind === 'read' ? 2 * limitsOf(read.selection) : 1)
  const [best] = reads.toSorted((left, right) => weight(right) - weight(left))
  return best ?? { kind: 'read', selection: wholeSelection }
}

const limitsOf = ({ filters, window, compare }: Selection): number =>
  filters.length + (window === null ? 0 : 1) + compare.length

/** "last 7 days of the data" ends where the last file ends; null where a file's own times are not settled. */
function spanOfAll(mappings: readonly FileMapping[], own: FileMapping): DataSpan | null {
  const spans = mappings.flatMap(({ span }) => (span === null ? [] : [span]))
  const [from] = spans.map((span) => span.from).toSorted()
  const to = spans
    .map((span) => span.to)
    .toSorted()
    .at(-1)
  return own.span === null || from === undefined || to === undefined ? null : { min: from, max: to }
}
