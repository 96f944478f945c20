import { limits, type Position, position, type Thread } from '@holdfast/protocol'
import type { Revocations } from './auth/revocations.ts'
import type { Tokens } from './auth/tokens.ts'
import type { Account } from './http/deps.ts'
import type { EventLog } from './log/event-log.ts'
import type { Threads } from './log/threads.ts'
import type { Principal } from './principal.ts'
import type { Store, Tx } from './store/store.ts'
import { createUserDeletions } from './upkeep/user-deletions.ts'
import type { Workspace } from './workspace/workspace.ts'

export interface AccountDeps {
  readonly store: Pick<Store, 'db'>
  readonly threads: Pick<Threads, 'list' | 'remove'>
  readonly log: Pick<EventLog, 'read' | 'epoch'>
  readonly workspace: Pick<Workspace, 'files'>
  readonly tokens: Pick<Tokens, 'list'>
  readonly revocations: Pick<Revocations, 'revoke'>
}

/** Lines of an audit log that an export holds: the newest. */
const auditLines = 10_000

/** A user's data as a whole: what is there, and that it goes. */
export function createAccount(deps: AccountDeps): Account {
  const { store, threads, revocations } = deps
  const deletions = createUserDeletions({ store, threads })

  async function* allThreads(principal: Principal): AsyncGenerator<Thread, void, undefined> {
    let cursor: string | undefined
    do {
      const page = await threads.list(principal, { cursor })
      yield* page.items
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
  }
  return {
    async *export(principal) {
      yield* exportOf(principal, deps, allThreads(principal))
    },
    async remove(principal) {
      // From its commit on nobody is let in, and what is left to do is done, whoever dies meanwhile.
      await revocations.revoke(async (tx) => {
        await forget(tx, principal)
        return { done: true, userId: principal.userId }
      })
      await deletions.finish(new AbortController().signal)
    },
  }
}

/** The audit log stays: its lines then name somebody who is not there. */
async function forget(tx: Tx, { kind, userId }: Principal): Promise<void> {
  await tx
    .insertInto('user_deletions')
    .values({ user_id: userId })
    .onConflict((conflict) => conflict.column('user_id').doNothing())
    .execute()
  for (const table of ['sessions', 'tokens', 'ws_tickets'] as const)
    await tx.deleteFrom(table).where('user_id', '=', userId).execute()
  for (const table of ['usage', 'quotas'] as const)
    await tx.deleteFrom(table).where('subject', '=', userId).execute()
  // Local mode has its one user as long as it has its data directory.
  if (kind !== 'local') await tx.deleteFrom('users').where('id', '=', userId).execute()
}

async function* exportOf(
  principal: Principal,
  { store: { db }, log, workspace, tokens }: AccountDeps,
  threads: AsyncIterable<Thread>,
): AsyncGenerator<object, void, undefined> {
  const { userId } = principal
  const user = await db
    .selectFrom('users')
    .select(['id', 'issuer', 'subject', 'kind', 'name', 'created_at'])
    .where('id', '=', userId)
    .executeTakeFirst()
  yield { type: 'user', user: user ?? { id: userId, kind: principal.kind }, epoch: log.epoch }
  for (const token of await tokens.list(principal)) yield { type: 'token', token }
  for await (const thread of threads) {
    yield { type: 'thread', thread }
    for (const file of await workspace.files(principal, thread.id)) yield { type: 'file', file }
    for (let after: Position = position(0); after < thread.head; ) {
      const events = await log.read(thread.id, after, {
        events: limits.eventsPageItems,
        bytes: limits.eventsPageBytes,
      })
      const last = events.at(-1)
      if (last === undefined) break
      for (const event of events) yield { type: 'event', event }
      after = last.seq
    }
  }
  const audit = await db
    .selectFrom('audit')
    .select(['at', 'event', 'by', 'address', 'agent', 'detail'])
    .where('user_id', '=', userId)
    .orderBy('id', 'desc')
    .limit(auditLines)
    .execute()
  for (const entry of audit) yield { type: 'audit', entry }
}
