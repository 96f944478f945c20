import type { UserId } from '@holdfast/protocol'
import type { Access, Authenticator, Credentials } from '../auth/authenticator.ts'

/** Is given the answer in the same turn of the event loop in which it is known to hold. null: nobody, or not any more. */
type Use = (access: Access | null) => void | Promise<void>

/**
 * Who a connection is, by credentials that are shown, renewed and revoked while they are being looked up:
 *
 *   look up A ─────────────▶ answer     a revocation in between may be of A, and the answer of before it: asked again
 *   A is looked at again ───▶ "not A"   B is being looked up meanwhile, or was accepted: A was given up, B decides
 *
 * A class, because every connection has one (as with pumps).
 */
export class SessionCredentials {
  readonly #authenticator: Pick<Authenticator, 'authenticate'>
  #shown: Credentials
  #userId: UserId | null = null
  /** How often something was revoked that may be this user's: before it is known who it is, whoever's it was. */
  #revocations = 0
  #renewal: Promise<void> | null = null

  constructor(shown: Credentials, authenticator: Pick<Authenticator, 'authenticate'>) {
    this.#shown = shown
    this.#authenticator = authenticator
  }

  /** false: another's, and of no interest here. */
  revoked(of: UserId): boolean {
    if (this.#userId !== null && this.#userId !== of) return false
    this.#revocations += 1
    return true
  }

  /** @param instead of what the handshake showed; null: by that. It may have been revoked since, and is looked up again */
  identify(instead: string | null, use: Use): Promise<void> {
    if (instead !== null) this.#shown = { bearer: instead, cookie: null }
    return this.#lookUp(this.#shown, use)
  }

  /** Who it is from now on is for `use` to judge (S4). */
  renew(bearer: string, use: Use): Promise<void> {
    const renewed = { bearer, cookie: null }
    const done = this.#lookUp(renewed, (access) => {
      if (access !== null) this.#shown = renewed
      return use(access)
    })
    const over = (): void => {
      this.#renewal = null
    }
    this.#renewal = done.then(over, over)
    return done
  }

  /** Asks again. Whatever they were given up for meanwhile was looked up itself. */
  async stillGood(): Promise<boolean> {
    const shown = this.#shown
    const access = await this.#admitted(shown)
    while (this.#renewal !== null) await this.#renewal
    return this.#shown !== shown || access?.principal.userId === this.#userId
  }

  async #lookUp(shown: Credentials, use: Use): Promise<void> {
    for (;;) {
      const heard = this.#revocations
      const access = await this.#admitted(shown)
      // From here on other users' revocations are not heard of: nobody can keep somebody else waiting by them.
      this.#userId ??= access?.principal.userId ?? null
      if (access === null || heard === this.#revocations) return use(access)
    }
  }

  /** What a connection does is to read. */
  async #admitted(shown: Credentials): Promise<Access | null> {
    const access = await this.#authenticator.authenticate(shown)
    return access?.scopes.includes('read') === true ? access : null
  }
}
