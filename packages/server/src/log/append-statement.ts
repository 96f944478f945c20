/**
 * The whole append in one statement and one round trip (0.84 of the speed of counting on the client, and safe with
 * any number of writers). Its steps, in the order in which they take locks:
 *
 *   locked    the threads' rows, in the order of their ids: two nodes whose groups overlap cannot deadlock.
 *             Whatever changes a lease takes its thread's row first, too (runs/): no claim can happen from here on.
 *   held      L4: the leases that the commands name, as they are now, not as the statement's snapshot has them: that
 *             is what the locking clause is for. (KEY SHARE would let heartbeats pass, but it takes a row as the
 *             snapshot has it, and so let a worker write whose lease was taken while it waited.) A claim names the
 *             lease before its own: of two nodes that want the same run, one finds it taken.
 *   judged    what stands against each command: no thread, a lost lease, a key that is not new (L5)
 *   raised    L2: the heads, and with them the places of the new events
 *   stored    the events
 *   submitted, changed   L3: the rows of the runs whose story this is (run-change.ts)
 *   headed, noted        what the users' other tabs hear of it; their counters come last, as everywhere
 *
 * A command that is not admitted costs its neighbours nothing. The data of an event travels as text inside JSON:
 * inside JSON itself PostgreSQL would decode every string on the way, and refuse U+0000.
 *
 * Checks are columns and then a filter, not joins that drop rows: from an anti-join the planner expects one row,
 * takes nested loops for all that follows, and a group of 256 takes three times as long.
 */
const statement = (name: string, lockRuns: string): string => `/* prepare ${name} */
with command as materialized (
  select * from json_to_recordset($1::json) as c(
    n int, thread_id text, run_id text, agent text, first_key text, lease_epoch int8, size int,
    change text, owner text, model text, key text, hash text, node text, lease_ms int8, status text)
),
locked as materialized (
  select id, owner from threads where id = any(array(select thread_id from command)) order by id for no key update
),
held as materialized (
  select id, lease_epoch, status = 'running' as running,
    status = 'queued' or status = 'running' and lease_expires_at <= clock_timestamp() as claimable
  from runs
  where id = any(array(
    select c.run_id from command c join locked l on l.id = c.thread_id where c.lease_epoch is not null))
  ${lockRuns}
),
judged as materialized (
  select c.*, l.id is not null and (c.owner is null or c.owner = l.owner) as thread_found,
    c.lease_epoch is null
      or exists (select from held h where h.id = c.run_id and h.lease_epoch = c.lease_epoch
        and case when c.change = 'claim' then h.claimable else h.running end) as lease_holds,
    c.lease_epoch is not null and l.id is not null
      and not exists (select from held h where h.id = c.run_id)
      and (select r.id from runs r where r.id = c.run_id limit 1) is not null as lease_busy,
    (select e.seq from events e where e.run_id = c.run_id and e.producer_key = c.first_key limit 1) is null as new,
    c.key is not null
      and (select r.id from runs r where r.owner = c.owner and r.idempotency_key = c.key limit 1) is not null
      as key_taken
  from command c left join locked l on l.id = c.thread_id
),
admitted as materialized (
  select *, (sum(size) over (partition by thread_id order by n))::int8 - size as before
  from judged where thread_found and lease_holds and new and not key_taken
),
raised as (
  update threads t set head = t.head + k.size
  from (select thread_id, sum(size)::int8 as size from admitted group by thread_id) k
  where t.id = k.thread_id
  returning t.id, t.head - k.size as base, date_trunc('milliseconds', clock_timestamp()) as at
),
placed as materialized (
  select a.*, r.base + a.before as after, r.at from admitted a join raised r on r.id = a.thread_id
),
stored as (
  insert into events (thread_id, seq, id, run_id, agent, type, at, data, producer_key)
  select p.thread_id, p.after + e.i, e.id, p.run_id, p.agent, e.type, p.at, e.data::json, e.key
  from json_to_recordset($2::json) as e(n int, i int, id text, type text, data text, key text)
    join placed p on p.n = e.n
),
submitted as (
  insert into runs (id, thread_id, owner, agent, model, status, idempotency_key, request_hash, queued_at_seq,
    created_at)
  select run_id, thread_id, owner, agent, model, 'queued', key, hash, after + 1, at
  from placed where change = 'submit'
),
changed as (
  update runs r set
    status = case when p.change = 'claim' then 'running' else p.status end,
    attempt = r.attempt + (p.change = 'claim')::int,
    interrupted = r.interrupted + (p.change = 'claim' and r.status = 'running')::int,
    lease_epoch = r.lease_epoch + (p.change = 'claim')::int,
    lease_node = p.node,
    lease_expires_at = clock_timestamp() + make_interval(secs => p.lease_ms / 1000.0)
  from placed p where r.id = p.run_id and p.change in ('claim', 'end')
),
note as materialized (
  select e.user_id, e.type, e.data, p.thread_id, p.run_id, p.at,
    row_number() over (partition by e.user_id order by e.n, e.i) as place,
    count(*) over (partition by e.user_id) as total
  from json_to_recordset($3::json) as e(n int, i int, user_id text, type text, data text)
    join placed p on p.n = e.n
),
headed as (
  insert into lifecycle_heads as h (user_id, head)
  select user_id, max(total) from note group by user_id order by user_id
  on conflict (user_id) do update set head = h.head + excluded.head
  returning user_id, head
),
noted as (
  insert into lifecycle (user_id, seq, at, type, thread_id, run_id, data)
  select n.user_id, h.head - n.total + n.place, n.at, n.type, n.thread_id, n.run_id, n.data::json
  from note n join headed h on h.user_id = n.user_id
)
select j.thread_found, j.lease_holds, j.lease_busy, j.key_taken, p.after, p.at,
  case when j.n = 0 then (select json_object_agg(user_id, head) from headed) end as user_heads
from judged j left join placed p on p.n = j.n
order by j.n`

/**
 * What to do where a heartbeat is changing a run's row at this moment. A group passes over it: it holds many runs'
 * rows, a heartbeat too, and waiting for each other's they would deadlock. A single command waits.
 */
export const appendStatements = {
  pass: statement('log-append', 'for no key update skip locked'),
  wait: statement('log-append-wait', 'for no key update'),
} as const
