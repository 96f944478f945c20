import type { StoredEvent, Usage } from '@holdfast/protocol'
import { printable } from './tables.ts'

const seconds = (ms: number): string => (ms < 950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)
const oneLine = (text: string): string => printable(text.replaceAll(/\s+/g, ' ').trim())

/** What a person is told about an event: a line that stays, words for the line that moves, or nothing. */
export type Progress =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'doing'; readonly text: string }
  | { readonly kind: 'nothing' }

const line = (text: string): Progress => ({ kind: 'line', text })

/** What language models used up; nothing where none was asked. */
function usedOf({ models, costUsd, inputTokens, outputTokens }: Usage): string {
  if (models === undefined) return ''
  const cost = costUsd === undefined ? '' : `, about ${costUsd.toFixed(4)} USD at list prices`
  return `, ${inputTokens + outputTokens} tokens${cost}`
}

export function sendingOf(name: string, sentBytes: number, totalBytes: number): string {
  // Of an empty file everything is sent.
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * sentBytes) / totalBytes)
  return `sending ${name}, ${percent} %`
}

export function progressOf(event: StoredEvent): Progress {
  switch (event.type) {
    case 'run_queued':
      return { kind: 'doing', text: 'waiting for a worker' }
    case 'agent_started': {
      const { attempt, model, offline } = event.data
      const mind = offline ? `${model}, offline rules, no language model` : model
      return line(attempt === 1 ? `started (${mind})` : `taken over, attempt ${attempt} (${mind})`)
    }
    case 'agent_thinking':
      return line(oneLine(event.data.text))
    case 'tool_executing':
      return { kind: 'doing', text: event.data.tool }
    case 'tool_completed': {
      const { tool, ok, durationMs, error } = event.data
      if (ok) return line(`${tool}, ${seconds(durationMs)}`)
      return line(`${tool} failed: ${oneLine(error?.message ?? 'no reason given')}`)
    }
    case 'data_requested':
      return line('data is missing')
    case 'data_received':
      return line(`received: ${event.data.satisfied.map(oneLine).join(', ') || 'nothing that was asked for'}`)
    case 'artifact_created':
      return line(`${event.data.kind}: ${oneLine(event.data.title)}`)
    case 'agent_completed':
      return line(`completed in ${seconds(event.data.durationMs)}${usedOf(event.data.usage)}`)
    case 'agent_failed':
      return line(`failed: ${oneLine(event.data.message)}`)
    case 'agent_cancelled':
      return line(`cancelled by ${event.data.by}`)
    case 'message_delta':
      return { kind: 'nothing' }
  }
}
