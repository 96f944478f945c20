import type { Question } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool } from '../../../tools/define-tool.ts'
import type { RunSql } from '../computed.ts'
import type { PlaybookId } from '../playbook.ts'
import { playbooks } from '../playbooks/playbooks.ts'
import { describe, describeWindow } from '../questions/reading.ts'
import { describeSelection, type Selection } from '../selection/selection.ts'
import { type Unread, unreadWhy, wholeQuestion } from '../selection/whole-question.ts'
import { looksLikeSql } from '../sql-message.ts'
import type { TriageOutput } from '../tool-outputs.ts'
import { levelCandidates, type Triage, triageQuestion } from '../triage.ts'
import { triageJoined } from '../triage-joined.ts'
import { type Examined, examine, questionSelection } from './examine.ts'

export const triageTool = defineTool({
  name: 'triage',
  description:
    'What is being asked: which playbook answers it, or a simple question read in full, or SQL of the user’s own; or what has to be asked first.',
  effect: 'pure',
  input: z.object({}),
  execute: async (_, context) => {
    const examined = await examine(context)
    const output: TriageOutput = looksLikeSql(context.message.text)
      ? { decision: 'sql', sql: context.message.text.trim() }
      : await decide(examined, (job) => context.workspace.runSql({ ...job, verified: true }, context.signal))
    return { output }
  },
})

/** From the question, the files and what the thread has settled before. */
async function decide(examined: Examined, run: RunSql): Promise<TriageOutput> {
  const { thread, profiles, mappings, tableNames } = examined
  const { question, choices } = thread
  const result = await triageJoined(question, { playbooks, profiles, mappings, tableNames, choices }, run)
  const chosen = playbooks.find(({ id }) => id === choices.get('playbook'))
  if (chosen !== undefined) return analyse(examined, chosen.id, result)
  if (result.unrelated) return offer(question, result)
  const level = levelCandidates(result.candidates)
  if (level.length > 1) {
    const ask = triageQuestion(level, playbooks)
    return { decision: 'ask', question, why: ask.text, ask }
  }
  const [best] = level
  return best === undefined ? offer(question, result) : analyse(examined, best.playbook, result)
}

/** The playbook answers, unless something about the question cannot be read. */
function analyse(examined: Examined, playbook: PlaybookId, result: Triage): TriageOutput {
  const { thread, profiles } = examined
  const { question } = thread
  if (playbook === 'any_table' && result.question !== null)
    return { decision: 'ask', question, why: result.question.text, ask: result.question }
  // It names columns of the file and asks for something else than a figure or an overview of them.
  if (playbook === 'any_table' && profiles.length > 0 && result.simple === null && !result.overview)
    return offer(question, result)
  const selection = questionSelection(examined, playbook)
  if (selection.kind === 'unread') return offerWhole(question, playbook, selection, result)
  if (selection.kind === 'ask')
    return { decision: 'ask', question, why: selection.question.text, ask: selection.question }
  return {
    decision: 'analyse',
    question,
    playbook,
    readAs: readAs(playbook, result, selection.selection, profiles.length > 1),
  }
}

/** How the question was read, where there was something to read: the simple question, or the rows it is about. */
function readAs(
  playbook: PlaybookId,
  { simple }: Triage,
  selection: Selection,
  severalFiles: boolean,
): string | null {
  if (playbook === 'any_table') return simple === null ? null : describe(simple, severalFiles)
  const limits = describeSelection(selection)
  const title = playbooks.find(({ id }) => id === playbook)?.title ?? playbook
  const compare = selection.compare.map(describeWindow)
  const parts = [
    ...(limits === null ? [] : [limits]),
    ...(compare.length === 0 ? [] : [`comparing ${compare.join(' with ')}`]),
  ]
  return parts.length === 0 ? null : `I read this as: ${title}, ${parts.join(', ')}.`
}

/** The playbook would answer another question: it says so instead. */
function offerWhole(question: string, playbook: string, unread: Unread, { notSimple }: Triage): TriageOutput {
  const whole = playbooks.filter(({ id }) => id === playbook).flatMap(({ asks }) => asks.slice(0, 1))
  const nearest = notSimple?.nearest ?? []
  const others = playbooks.flatMap(({ asks }) => asks.slice(0, 1))
  const ask = wholeQuestion(unread, [...whole, ...nearest.slice(0, 3), ...others])
  return { decision: 'ask', question, why: unreadWhy(unread), ask }
}

/** Not a question for this agent: said plainly, with what it can do. */
function offer(question: string, { notSimple }: Triage): TriageOutput {
  const examples = [
    ...(notSimple?.nearest.slice(0, 3) ?? []),
    ...playbooks.flatMap(({ asks }) => asks.slice(0, 1)),
  ]
  const why =
    notSimple === null
      ? 'I answer questions about data: what an AI workload costs and could save, why it is slow, fails or is cut off, how much it carries, which days stand out, and simple questions about any table. This is not one that I can read.'
      : `I cannot answer this as it stands: ${notSimple.why}.`
  const ask: Question = {
    id: 'instead',
    text: `${why} You could ask, for example:`,
    choices: examples.map((example) => ({ value: example, label: example })),
  }
  return { decision: 'ask', question, why, ask }
}
