import type { Persona, SimulatedSession } from '@holdfast/protocol/e2e'
import type { Principal } from '../../principal.ts'
import type { BearerVerifier } from '../authenticator.ts'

/** A persona of a test run: the same person to all its tests. */
export interface Simulated {
  readonly persona: Persona
  readonly run: string
}

/** A request as it came, byte for byte. */
export interface SignedRequest {
  readonly method: string
  /** With its query, which nobody signs: a request that has one is refused. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Uint8Array
}

export type Verdict =
  | { readonly kind: 'good'; readonly keyId: string }
  /** Whatever was wrong with the proof: nobody is told what. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'replayed'; readonly keyId: string }

/** Signing in without a provider, for automated tests. Loaded only where it is switched on. */
export interface Simulation {
  readonly host: string
  /** Of the keys that are good. */
  readonly keyIds: readonly string[]
  /**
   * Uses up the request: once good, it is good no more.
   * @param address of whoever sent it
   * @throws {QuotaReachedError} too many of this address; {AddressBlockedError} too many wrong ones;
   *   {HoldfastError} not_ready: the store does not answer, and then nobody is let in
   */
  verify(request: SignedRequest, address: string): Promise<Verdict>
  identityOf(simulated: Simulated): {
    readonly issuer: string
    readonly subject: string
    readonly name: string
  }
  /** A bearer token for `principal`, good on every node. */
  issueToken(
    principal: Principal,
    simulated: Simulated,
  ): Promise<Pick<SimulatedSession, 'token' | 'expiresAt'>>
  readonly tokens: BearerVerifier
  /** null: not a simulated user of this deployment. */
  personaOf(userId: Principal['userId']): Promise<Simulated | null>
  /** Who was simulated in a test run. */
  usersOf(run: string): Promise<readonly Principal[]>
}
