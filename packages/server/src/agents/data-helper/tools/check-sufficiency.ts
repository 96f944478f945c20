import type { NewEvent } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, type ToolContext } from '../../../tools/define-tool.ts'
import { isMapped } from '../field-mapping.ts'
import { fieldNames } from '../fields.ts'
import type { VerdictOutput } from '../tool-outputs.ts'
import { type Judged, judge } from './examine.ts'

export const checkSufficiencyTool = defineTool({
  name: 'check_sufficiency',
  description:
    'Whether the files are enough for a playbook: sufficient, partial (with what is left out), insufficient (with the missing fields) or ambiguous (with one question). Judged from the files, never from the wording.',
  effect: 'pure',
  input: z.object({ playbook: z.string() }),
  execute: async ({ playbook }, context) => {
    const judged = await judge(context, playbook)
    const { verdict } = judged
    const output: VerdictOutput = {
      playbook,
      sufficiency: verdict.sufficiency,
      missing: verdict.missing.map(({ need }) => need.anyOf.join(' or ')),
      reductions: verdict.reductions.map(({ says }) => says),
      question: verdict.question?.text ?? null,
    }
    return { output, events: received(judged, context) }
  },
})

/** For each new file, the items of the open request that it satisfies. */
function received({ thread, mappings }: Judged, context: ToolContext): NewEvent[] {
  const { openRequest } = thread
  if (openRequest === null) return []
  // A page sends the files of its thread with each message: what came earlier was heard of then.
  const before = new Set(context.earlier.flatMap(({ message }) => message.files))
  return context.message.files.flatMap((fileId): NewEvent[] => {
    if (before.has(fileId)) return []
    const mapping = mappings.find((candidate) => candidate.fileId === fileId)
    if (mapping === undefined) return []
    const wanted = new Set(openRequest.items.map(({ field }) => field))
    const satisfied = fieldNames.filter((field) => wanted.has(field) && isMapped(mapping, field))
    return [{ type: 'data_received', data: { requestId: openRequest.requestId, fileId, satisfied } }]
  })
}
