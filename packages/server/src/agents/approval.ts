import type { EventData, Json, MakeId, NewEvent } from '@holdfast/protocol'
import type { EarlierRun, ToolDefinition } from '../tools/define-tool.ts'

/** A call that the user let through: exactly this one, and once. */
export interface ApprovedCall {
  readonly tool: string
  readonly input: Json
}

const choices = [
  { value: 'approve', label: 'Run it' },
  { value: 'decline', label: 'Do not run it' },
] as const

const shownInputChars = 4_000

/**
 * Asks whether a call may be made, and ends the run. It is all in the log: the answer may come after a restart, on
 * another server, next week.
 */
export function askForApproval(
  tool: ToolDefinition,
  input: Json,
  makeId: MakeId,
): { readonly request: NewEvent; readonly text: string; readonly summary: string } {
  const shown = JSON.stringify(input, null, 2)
  const cut = shown.length > shownInputChars ? `${shown.slice(0, shownInputChars)}…` : shown
  const data: EventData<'data_requested'> = {
    requestId: makeId('request'),
    playbook: '',
    sufficiency: 'ambiguous',
    items: [],
    question: {
      id: `approval:${tool.name}`,
      text: `May ${tool.name} be run, with exactly this input?`,
      choices: choices.map((choice) => ({ ...choice })),
    },
    approval: { tool: tool.name, input },
  }
  return {
    request: { type: 'data_requested', data },
    // Indented: a block of code in Markdown, out of which no input can break.
    text: `May ${tool.name} be run, with exactly this input?\n\n${cut.replaceAll(/^/gm, '    ')}`,
    summary: `Asks whether ${tool.name} may be run`,
  }
}

/**
 * Pure: the call that this message lets through. Only a message that is the choice itself does, word for word, and only
 * where the last run asked: what a model or a file says about it counts for nothing.
 */
export function approvedCall(earlier: readonly EarlierRun[], message: string): ApprovedCall | null {
  const approval = earlier.at(-1)?.request?.approval
  if (approval === undefined) return null
  const said = message.trim().toLowerCase()
  const [approve] = choices
  return said === approve.value || said === approve.label.toLowerCase() ? approval : null
}
