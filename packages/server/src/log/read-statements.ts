import type { Position, RunId, StoredEvent, ThreadId } from '@holdfast/protocol'
import { position } from '@holdfast/protocol'
import { CompiledQuery, type Kysely, type Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { ReadLimit } from './event-log.ts'
import { envelopeBytes } from './event-size.ts'

type EventRow = Selectable<Schema['events']>

const columns = 'id, seq, thread_id, run_id, agent, type, at, data'

/** The limit of bytes is met in the database: a page of large events must not fill this process first. */
const readStatement = `/* prepare log-read */
select ${columns} from (
  select *, sum(bytes) over (order by seq) as total from (
    select *, ${envelopeBytes} + octet_length(to_json(agent)::text) - 2 + octet_length(type) + octet_length(data::text)
      as bytes
    from events where thread_id = $1 and seq > $2 order by seq limit $3
  ) measured
) summed
where total <= $4 or total = bytes
order by seq`

export async function readEvents(
  db: Kysely<Schema>,
  threadId: ThreadId,
  after: Position,
  limit: ReadLimit,
): Promise<readonly StoredEvent[]> {
  const parameters = [threadId, after, Math.max(limit.events, 1), limit.bytes]
  const { rows } = await db.executeQuery<EventRow>(CompiledQuery.raw(readStatement, parameters))
  return rows.map(eventOf)
}

const readRunsStatement = `/* prepare log-read-runs */
select ${columns} from events where run_id = any($1) order by thread_id, seq`

/** Of each run that has any. */
export async function readRunEvents(
  db: Kysely<Schema>,
  runIds: readonly RunId[],
): Promise<ReadonlyMap<RunId, readonly StoredEvent[]>> {
  if (runIds.length === 0) return new Map()
  const { rows } = await db.executeQuery<EventRow>(CompiledQuery.raw(readRunsStatement, [runIds]))
  return Map.groupBy(rows.map(eventOf), ({ runId }) => runId)
}

/** What the first write under the key stored (L5). Seldom asked for: the whole run is read, and searched here. */
export async function readRepeated(
  db: Kysely<Schema>,
  runId: RunId,
  producerKey: string,
): Promise<readonly StoredEvent[]> {
  const rows = await db
    .selectFrom('events')
    .selectAll()
    .where('run_id', '=', runId)
    .where('producer_key', 'is not', null)
    .orderBy('seq')
    .execute()
  const prefix = `${producerKey}/`
  return rows
    .filter(({ producer_key: key }) => key?.startsWith(prefix) && /^\d+$/.test(key.slice(prefix.length)))
    .map(eventOf)
}

export async function readHeads(
  db: Kysely<Schema>,
  threadIds: readonly ThreadId[],
): Promise<ReadonlyMap<ThreadId, Position>> {
  if (threadIds.length === 0) return new Map()
  const { rows } = await db.executeQuery<{ id: ThreadId; head: number }>(
    CompiledQuery.raw('/* prepare log-heads */ select id, head from threads where id = any($1)', [threadIds]),
  )
  return new Map(rows.map(({ id, head }) => [id, position(head)]))
}

function eventOf(row: EventRow): StoredEvent {
  const event = {
    id: row.id,
    seq: position(row.seq),
    threadId: row.thread_id,
    runId: row.run_id,
    agent: row.agent,
    at: row.at.toISOString(),
    type: row.type,
    data: row.data,
  }
  // Only storeGroup writes this table, from NewEvents: type and data belong together.
  return event as StoredEvent
}
