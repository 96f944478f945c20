import type { Json } from '@holdfast/protocol'
import { count, formatUsd } from './format.ts'
import type { Step, ToolStep, Turn } from './turn.ts'

/** The data helper's tools as a person would put them; a tool nobody here knows keeps its own name. */
const toolNames: Readonly<Record<string, readonly [doing: string, done: string]>> = {
  profile: ['Looking into the files', 'Looked into the files'],
  triage: ['Working out what is asked', 'Worked out what is asked'],
  map_columns: ['Finding out what the columns mean', 'Found out what the columns mean'],
  check_sufficiency: ['Checking whether the data is enough', 'Checked whether the data is enough'],
  run_analysis: ['Running the analysis', 'Ran the analysis'],
  draw_chart: ['Drawing charts', 'Drew charts'],
  write_report: ['Writing the answer', 'Wrote the answer'],
  request_data: ['Listing what is missing', 'Listed what is missing'],
  query: ['Running SQL', 'Ran SQL'],
}

export function toolLabel({ tool, state }: Pick<ToolStep, 'tool' | 'state'>): string {
  const [doing, done] = toolNames[tool] ?? [`Using ${tool}`, `Used ${tool}`]
  return state === 'running' ? doing : done
}

/** What the agent does now, in a few words. */
export function currentDoing({ phase, steps }: Turn): string {
  if (phase === 'queued') return 'Waiting its turn'
  const step = steps.at(-1)
  if (step?.kind === 'tool') return step.state === 'running' ? toolLabel(step) : 'Thinking'
  return steps.length === 0 ? 'Starting' : 'Thinking'
}

/** SQL that a step ran or asked for, wherever in its input or output it stands. */
export function sqlOf({ input, output }: Pick<ToolStep, 'input' | 'output'>): readonly string[] {
  const found: string[] = []
  const look = (value: Json | null): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'sql' && typeof inner === 'string') found.push(inner)
      else look(inner)
    }
  }
  look(input)
  look(output)
  return [...new Set(found)]
}

/** What a step came to, in a sentence; null: nothing that its name does not say already. */
export function resultOf(step: ToolStep): string | null {
  if (step.error !== null) return step.error
  const output = step.output
  if (output === null || typeof output !== 'object' || Array.isArray(output)) return null
  const list = (name: string): readonly Json[] => {
    const value = output[name]
    return Array.isArray(value) ? value : []
  }
  if (step.tool === 'profile') {
    const files = list('files').map((file) => part(file, 'file', 'rows'))
    const unreadable = list('unreadable').map((file) => {
      const { file: name, why } = asRecord(file)
      return `${String(name)} cannot be read: ${String(why)}`
    })
    return [...files, ...unreadable].join('; ') || 'There are no files yet'
  }
  if (step.tool === 'check_sufficiency') {
    const { sufficiency, missing } = output
    const lacks = Array.isArray(missing) && missing.length > 0 ? `: ${missing.join(', ')} missing` : ''
    return typeof sufficiency === 'string' ? `${sufficiency}${lacks}` : null
  }
  if (step.tool === 'triage')
    return typeof output['readAs'] === 'string' ? `Read as: ${output['readAs']}` : null
  return null
}

const asRecord = (value: Json): Readonly<Record<string, Json>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {}

function part(value: Json, name: string, rows: string): string {
  const record = asRecord(value)
  const n = record[rows]
  return `${String(record[name])}: ${typeof n === 'number' ? n.toLocaleString('en') : '?'} rows`
}

/** Files that could not be used, each with why: whatever else is said, this has to be seen. */
export function troublesOf({ steps }: Pick<Turn, 'steps'>): readonly string[] {
  const last = steps.findLast((step) => step.kind === 'tool' && step.tool === 'profile')
  if (last?.kind !== 'tool') return []
  if (last.error !== null) return [last.error]
  const { unreadable } = asRecord(last.output ?? null)
  return (Array.isArray(unreadable) ? unreadable : []).map((entry) => {
    const { file, why } = asRecord(entry)
    return `${String(file)}: ${String(why)}`
  })
}

/** How a turn ended, in a word or two. */
export function endLabel({ end }: Turn): string {
  switch (end?.kind) {
    case 'answered':
      return 'Answered'
    case 'partial':
      return 'Partly answered'
    case 'needs_data':
      return 'Needs data'
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return end.by === 'user'
        ? 'Stopped by you'
        : end.by === 'shutdown'
          ? 'Stopped with the server'
          : 'Superseded'
    case undefined:
      return ''
    default:
      return end satisfies never
  }
}

/** What a reader is told in one line where the run changed hands. */
export const takeoverLine = ({ attempt }: Extract<Step, { kind: 'takeover' }>): string =>
  `The server stopped while it worked on this; the run was taken up where it had come to (attempt ${attempt}).`

/** Who answered, and what it cost where that is known. */
export function modelLine({ model, offline, end }: Pick<Turn, 'model' | 'offline' | 'end'>): string {
  const usage = end !== null && 'usage' in end ? end.usage : null
  const asked = usage?.models ?? []
  if (asked.length === 0)
    return offline ? 'By the offline rules; no language model was asked.' : `With ${model ?? 'no model'}.`
  const names = asked.map((use) => use.model).join(', then ')
  const tokens = asked.reduce((sum, use) => sum + use.inputTokens + use.outputTokens, 0)
  const cost =
    usage?.costUsd === undefined ? 'no list price is known' : `${formatUsd(usage.costUsd)} at list prices`
  return `With ${names}: ${count(tokens, 'token')}, ${cost}.`
}
