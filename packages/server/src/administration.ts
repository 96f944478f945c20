import { HoldfastError, type Scope, systemIdMaker, type TokenId, type UserId } from '@holdfast/protocol'
import { type AuditEvent, openAudit } from './auth/audit.ts'
import { openRevocations } from './auth/revocations.ts'
import { systemRandom } from './auth/secrets.ts'
import { createSessions } from './auth/sessions.ts'
import { createTokens } from './auth/tokens.ts'
import { createUsers, serviceIssuer } from './auth/users.ts'
import type { Settings } from './environment/settings.ts'
import { detectTier } from './environment/tier.ts'
import { openStore } from './open-store.ts'
import type { Principal } from './principal.ts'
import type { Logger } from './telemetry/logger.ts'

export interface KnownUser {
  readonly id: UserId
  readonly kind: Principal['kind']
  readonly name: string | null
  readonly issuer: string
  readonly subject: string
  readonly createdAt: Date
  readonly disabledAt: Date | null
}

export interface ServiceAccount {
  readonly name: string
  readonly credentials:
    | { readonly kind: 'token'; readonly scopes: readonly Scope[]; readonly days: number }
    /** Who signs its tokens, and as whom: what they may do and for how long is said there. */
    | { readonly kind: 'pinned'; readonly issuer: string; readonly subject: string }
}

/**
 * What an operator does to users, by the store and beside running servers: each node hears of it from the store.
 * All of it stands in the audit log.
 */
export interface Administration extends AsyncDisposable {
  users(): Promise<readonly KnownUser[]>
  /** @throws {HoldfastError} not_found: there is none, or it is so already */
  disable(userId: UserId): Promise<void>
  /** @throws {HoldfastError} not_found */
  enable(userId: UserId): Promise<void>
  /** Ends all sessions. Tokens stay. @throws {HoldfastError} not_found */
  signOut(userId: UserId): Promise<void>
  /** @param account one that is known already gets a further token */
  createServiceAccount(account: ServiceAccount): Promise<{
    readonly userId: UserId
    /** Shown now and never again; null: pinned. */
    readonly token: { readonly id: TokenId; readonly text: string } | null
  }>
}

/** @throws {StoreLockedError} a running server has the data directory: stop it, or use a database of its own */
export async function openAdministration(settings: Settings, logger: Logger): Promise<Administration> {
  await using opened = new AsyncDisposableStack()
  const store = opened.use(await openStore(settings, detectTier(settings).tier, logger))
  const onError = (err: unknown): void => logger.error({ err }, 'the audit log was not written')
  const audit = opened.use(openAudit({ store, onError }))
  const revocations = opened.use(openRevocations({ store, onPollError: onError }))
  const shared = { store, revocations, makeId: systemIdMaker(), random: systemRandom }
  const users = createUsers(shared)
  const tokens = createTokens(shared)
  const sessions = createSessions(shared)
  const note = (event: AuditEvent, userId: UserId, detail: Record<string, string | number> = {}) =>
    audit.note(
      { event, userId, detail: { ...detail, by: 'operator' } },
      { address: null, agent: 'holdfast users' },
    )
  const missing = (userId: UserId, what = ''): HoldfastError =>
    new HoldfastError('not_found', `There is no user ${userId}${what}; \`holdfast users list\` shows all`)

  const owned = opened.move()
  return {
    async users() {
      const rows = await store.db.selectFrom('users').selectAll().orderBy('id').execute()
      return rows.map(
        ({ id, kind, name, issuer, subject, created_at: createdAt, disabled_at: disabledAt }) => ({
          id,
          kind,
          name,
          issuer,
          subject,
          createdAt,
          disabledAt,
        }),
      )
    },
    async disable(userId) {
      if (!(await users.disable(userId))) throw missing(userId, ' that is not disabled')
      await note('user_disabled', userId)
    },
    async enable(userId) {
      if (!(await users.enable(userId))) throw missing(userId, ' that is disabled')
      await note('user_enabled', userId)
    },
    async signOut(userId) {
      const known = await store.db
        .selectFrom('users')
        .select('id')
        .where('id', '=', userId)
        .executeTakeFirst()
      if (known === undefined) throw missing(userId)
      await sessions.endAll(userId)
      await note('signed_out_everywhere', userId)
    },
    async createServiceAccount({ name, credentials }) {
      const { issuer, subject } =
        credentials.kind === 'pinned' ? credentials : { issuer: serviceIssuer, subject: name }
      const principal = await users.signIn({ issuer, subject, name }, 'service')
      if (principal === null)
        throw new HoldfastError('forbidden', `The service account ${name} is disabled; enable it first`)
      if (principal.kind !== 'service')
        throw new HoldfastError('forbidden', `${subject} of ${issuer} is known as a person`)
      if (credentials.kind === 'pinned') {
        await note('service_account_pinned', principal.userId, { issuer, subject })
        return { userId: principal.userId, token: null }
      }
      const { scopes, days } = credentials
      const { info, text } = await tokens.create(principal, { name, scopes, days })
      await note('token_created', principal.userId, { token: info.id, scopes: scopes.join(' '), days })
      return { userId: principal.userId, token: { id: info.id, text } }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
