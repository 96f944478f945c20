import type { ToolContext } from '../../../tools/define-tool.ts'
import { type FileMapping, mapFile } from '../field-mapping.ts'
import type { Playbook } from '../playbook.ts'
import { playbook as playbookById } from '../playbooks/playbooks.ts'
import { readChoice } from '../question-choices.ts'
import { checkSufficiency, type Verdict } from '../sufficiency.ts'
import { readThreadData, type ThreadData } from '../thread-data.ts'
import { type ThreadQuestion, threadQuestion } from '../thread-question.ts'
import { isQuestion } from '../triage.ts'

/** What every tool after the profile starts from: the files, what their columns mean, and what the thread asks. */
export interface Examined extends ThreadData {
  readonly thread: ThreadQuestion
  readonly mappings: readonly FileMapping[]
}

/** Reads stored profiles and computes the rest, so that tools pass nothing along but the playbook's name. */
export async function examine(context: ToolContext): Promise<Examined> {
  const data = await readThreadData(context)
  const thread = threadQuestion(context.earlier, context.message.text, readChoice, isQuestion)
  return { ...data, thread, mappings: data.profiles.map((profile) => mapFile(profile, thread.choices)) }
}

export interface Judged extends Examined {
  readonly playbook: Playbook
  readonly verdict: Verdict
}

/** @throws {HoldfastError} bad_request: no such playbook */
export async function judge(context: ToolContext, playbookId: string): Promise<Judged> {
  const examined = await examine(context)
  const playbook = playbookById(playbookId)
  return { ...examined, playbook, verdict: checkSufficiency(playbook, examined.mappings) }
}
