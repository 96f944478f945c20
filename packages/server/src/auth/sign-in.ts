import type { UserId } from '@holdfast/protocol'
import { type IdentityProvider, type RefusedSignIn, SignInRefusedError } from './identity-provider.ts'
import type { RandomBytes } from './secrets.ts'
import type { OpenedSession, Sessions } from './sessions.ts'
import { beginAttempt, localPath, resumeAttempt } from './sign-in-attempt.ts'
import type { Users } from './users.ts'

export type SignedIn =
  | {
      readonly kind: 'signed_in'
      readonly userId: UserId
      readonly session: OpenedSession
      readonly returnTo: string
    }
  | {
      readonly kind: 'refused'
      /** `stale`: not begun in this browser, or too long ago, or answered before. */
      readonly why: RefusedSignIn | 'stale' | 'disabled'
      /** For the log: what the other side said. */
      readonly detail: string
    }

/** Signing in with the provider, from the first click to the cookie. */
export interface SignIn {
  readonly provider: string
  /** @param returnTo where on this server the user wanted to go; anything else leads to its root */
  begin(
    cookie: string | undefined,
    returnTo: unknown,
  ): Promise<{ readonly url: URL; readonly cookie: string }>
  /**
   * @param oldSession of the same browser: it ends, so that nobody's old session lives on beside the new one
   * @throws {HoldfastError} not_ready: the provider is away
   */
  complete(cookie: string | undefined, answer: URLSearchParams, oldSession: string | null): Promise<SignedIn>
}

export interface SignInOptions {
  readonly provider: IdentityProvider
  readonly users: Pick<Users, 'signIn'>
  readonly sessions: Pick<Sessions, 'open' | 'end'>
  readonly now: () => number
  readonly random: RandomBytes
}

export function createSignIn({ provider, users, sessions, now, random }: SignInOptions): SignIn {
  return {
    provider: provider.name,
    async begin(cookie, returnTo) {
      const attempt = beginAttempt(cookie, localPath(returnTo), now(), random)
      return { url: await provider.authorizationUrl(attempt), cookie: attempt.cookie }
    },
    async complete(cookie, answer, oldSession) {
      const attempt = resumeAttempt(cookie, answer.get('state'), now())
      if (attempt === null)
        return {
          kind: 'refused',
          why: 'stale',
          detail: 'The state is not that of an attempt of this browser',
        }
      try {
        const identity = await provider.finish(attempt, answer)
        const principal = await users.signIn(identity, 'user')
        if (principal === null) return { kind: 'refused', why: 'disabled', detail: 'The user is disabled' }
        if (oldSession !== null) await sessions.end(oldSession)
        const session = await sessions.open(principal.userId)
        return { kind: 'signed_in', userId: principal.userId, session, returnTo: attempt.returnTo }
      } catch (error) {
        if (!(error instanceof SignInRefusedError)) throw error
        return { kind: 'refused', why: error.why, detail: error.message }
      }
    },
  }
}
