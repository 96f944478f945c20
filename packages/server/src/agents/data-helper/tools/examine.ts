import type { ToolContext } from '../../../tools/define-tool.ts'
import { type FileMapping, mapFile } from '../field-mapping.ts'
import type { Playbook } from '../playbook.ts'
import { playbook as playbookById, playbooks } from '../playbooks/playbooks.ts'
import { readChoice } from '../question-choices.ts'
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
  const thread = threadQuestion(context.earlier, context.message.text, readChoice, asks)
  return { ...data, thread, mappings: data.profiles.map((profile) => mapFile(profile, thread.choices)) }
}

function isQuestion(text: string, { profiles, tableNames }: ThreadData): boolean {
  if (looksLikeSql(text)) return true
  if (bringsData(text)) return false
  // By its words alone, or as a figure of the files; naming a column in passing is not asking.
  const byWords = triage(text, { playbooks, profiles: [] })
  return !byWords.unrelated || triage(text, { playbooks, profiles, tableNames }).simple !== null
}

export interface Judged extends Examined {
  readonly playbook: Playbook
  readonly verdict: Verdict
}

/** @throws {HoldfastError} bad_request: no such playbook */
export async function judge(context: ToolContext, playbookId: string): Promise<Judged> {
  const examined = await examine(context)
  const playbook = playbookById(playbookId)
  return {
    ...examined,
    playbook,
    verdict: checkSufficiency(playbook, examined.mappings, examined.thread.choices),
  }
}
