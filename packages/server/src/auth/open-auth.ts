import type { MakeId, UserId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'
import { type Audit, openAudit } from './audit.ts'
import type { Authenticator, BearerVerifier, BrowserBoundary } from './authenticator.ts'
import { type CookiePolicy, cookiePolicy } from './cookie-policy.ts'
import { createAuthenticator } from './create-authenticator.ts'
import { createIdentityProvider, type IdentityProvider, type ProviderOptions } from './identity-provider.ts'
import { createJwtBearer } from './jwt-bearer.ts'
import { createLocalMode, type LocalMode, localModeLimits } from './local-mode.ts'
import { createQuotas, noQuotas, type QuotaLimits, type Quotas } from './quotas.ts'
import { openRevocations, type Revocations } from './revocations.ts'
import { type RandomBytes, systemRandom } from './secrets.ts'
import { createSessions, type Sessions, type sessionLimits } from './sessions.ts'
import { createSignIn, type SignIn } from './sign-in.ts'
import { createTickets, type Tickets } from './tickets.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { createUsers, type Users } from './users.ts'

export interface AuthOptions {
  readonly store: Pick<Store, 'db' | 'capabilities'>
  readonly makeId: MakeId
  /** Where browsers reach this server. Asked when needed: with port 0 it is known only after listening. */
  readonly url: () => string
  /** Of work in the background: the next try comes by itself. */
  readonly onError: (error: unknown, what: string) => void
  readonly quotas?: QuotaLimits
  /** Who may look at the whole server. */
  readonly admins?: ReadonlySet<UserId>
  /** Tokens of personas of automated tests; null, and by default: nobody is simulated here. */
  readonly simulatedTokens?: BearerVerifier | null
  readonly now?: () => number
  readonly random?: RandomBytes
}

/** All that says who asks, put together. */
export interface Auth extends AsyncDisposable {
  readonly authenticator: Authenticator
  readonly boundary: BrowserBoundary
  readonly cookies: CookiePolicy
  readonly users: Users
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly tickets: Tickets
  readonly revocations: Revocations
  readonly audit: Audit
  readonly quotas: Quotas
}

type Commons = Omit<Auth, 'authenticator' | 'boundary'>

function openCommons(
  options: AuthOptions,
  limits: Partial<Record<keyof typeof sessionLimits, number>>,
): Commons {
  const { store, makeId, url, onError, random = systemRandom } = options
  const revocations = openRevocations({
    store,
    onPollError: (error) => onError(error, 'poll of revocations'),
  })
  const audit = openAudit({ store, onError: (error) => onError(error, 'writing the audit log') })
  const shared = { store, revocations, makeId, random }
  return {
    cookies: cookiePolicy(url),
    users: createUsers(shared),
    sessions: createSessions({ ...shared, limits }),
    tokens: createTokens(shared),
    tickets: createTickets(shared),
    revocations,
    audit,
    quotas: createQuotas({ store, limits: options.quotas ?? noQuotas }),
    async [Symbol.asyncDispose]() {
      revocations[Symbol.dispose]()
      await audit[Symbol.asyncDispose]()
    },
  }
}

function authenticatorOf(
  commons: Commons,
  { simulatedTokens = null }: AuthOptions,
  others: readonly BearerVerifier[],
  admins: ReadonlySet<UserId>,
): Authenticator {
  // Those of the provider take every JWT for theirs: they come after.
  const simulated = simulatedTokens === null ? [] : [simulatedTokens]
  const bearers = [commons.tokens, ...simulated, ...others]
  return createAuthenticator({ ...commons, bearers, admins, admitsSimulated: simulatedTokens !== null })
}

/** Local mode: no provider, loopback only, one user. */
export function openLocalAuth(
  options: AuthOptions & { readonly userId: UserId },
): Auth & { readonly localMode: LocalMode } {
  const { sessionMs } = localModeLimits
  const commons = openCommons(options, { lifeMs: sessionMs, idleMs: sessionMs })
  const localMode = createLocalMode({
    userId: options.userId,
    sessions: commons.sessions,
    users: commons.users,
    url: options.url,
    now: options.now ?? Date.now,
    random: options.random ?? systemRandom,
  })
  // Who can read the terminal or the data directory runs the server.
  const admins = new Set([options.userId])
  return {
    ...commons,
    authenticator: authenticatorOf(commons, options, [localMode], admins),
    boundary: localMode,
    localMode,
  }
}

export interface ProviderAuthOptions extends AuthOptions {
  readonly provider: Omit<ProviderOptions, 'callbackUrl'>
  readonly publicUrl: URL
  /** Of access tokens that are accepted as bearer tokens; null: none are. */
  readonly audience: string | null
}

/** With an identity provider: browsers by sessions, programs by its access tokens or by personal ones. */
export function openProviderAuth(
  options: ProviderAuthOptions,
): Auth & { readonly provider: IdentityProvider; readonly signIn: SignIn } {
  const { publicUrl, audience, now = Date.now, random = systemRandom } = options
  const commons = openCommons(options, {})
  const callbackUrl = new URL('/auth/callback', publicUrl)
  const provider = createIdentityProvider({ ...options.provider, callbackUrl })
  const bearers = audience === null ? [] : [createJwtBearer({ provider, audience, users: commons.users })]
  return {
    ...commons,
    authenticator: authenticatorOf(commons, options, bearers, options.admins ?? new Set()),
    boundary: {
      allowsHost: (host) => host?.toLowerCase() === publicUrl.host,
      allowsOrigin: (origin) => origin === publicUrl.origin,
      probesByAddress: true,
    },
    provider,
    signIn: createSignIn({ provider, ...commons, now, random }),
  }
}
