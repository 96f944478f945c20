import type { EventType } from '@holdfast/protocol'

/** An envelope whose agent, type and data are empty; the place is counted with the digits of the largest one. */
const emptyEnvelope = {
  id: 'evt_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  seq: Number.MAX_SAFE_INTEGER,
  threadId: 'thr_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  runId: 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  agent: '',
  at: '2026-11-23T18:01:02.345Z',
  type: '',
  data: 0,
}

/** Bytes of an event's JSON text besides its agent's name, its type and its data. */
export const envelopeBytes = JSON.stringify(emptyEnvelope).length - '0'.length

/** Bytes of an event with its envelope as JSON text, at most 15 too many: its place is not known yet (L7). */
export function eventBytes(agent: string, type: EventType, dataText: string): number {
  const agentBytes = Buffer.byteLength(JSON.stringify(agent)) - '""'.length
  return envelopeBytes + agentBytes + type.length + Buffer.byteLength(dataText)
}
