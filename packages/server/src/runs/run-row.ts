import type { Run } from '@holdfast/protocol'
import { position } from '@holdfast/protocol'
import type { Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { RunState } from './run-state.ts'

export type RunRow = Selectable<Schema['runs']>

export function runOf(row: RunRow): Run {
  return {
    id: row.id,
    threadId: row.thread_id,
    agent: row.agent,
    model: row.model,
    status: row.status,
    attempt: row.attempt,
    createdAt: row.created_at.toISOString(),
    queuedAt: position(row.queued_at_seq),
  }
}

export function stateOf(row: RunRow): RunState {
  switch (row.status) {
    case 'queued':
      return { kind: 'queued', leaseEpoch: row.lease_epoch }
    case 'running':
      return {
        kind: 'running',
        leaseEpoch: row.lease_epoch,
        leaseExpiresAtMs: row.lease_expires_at?.getTime() ?? 0,
      }
    case 'completed':
    case 'failed':
    case 'cancelled':
      return { kind: 'ended', outcome: row.status }
  }
}
