import { UserId } from '@holdfast/protocol'
import { e2eLimits } from '@holdfast/protocol/e2e'
import * as jose from 'jose'
import { sql } from 'kysely'
import type { Store } from '../../store/store.ts'
import type { Access, BearerVerifier } from '../authenticator.ts'
import { newSecret, type RandomBytes } from '../secrets.ts'
import type { Simulation } from './simulation.ts'

/** A node signs with one pair for so long; then it makes another. */
const pairSeconds = 12 * 60 * 60
/** Public keys of nodes that are kept in memory. */
const cachedKeys = 200

const tokenType = 'at+jwt'

interface Pair {
  readonly kid: string
  readonly privateKey: jose.CryptoKey
  readonly endsAtMs: number
}

export interface SimulatedTokensOptions {
  readonly store: Pick<Store, 'db'>
  /** Issuer and audience: tokens of another deployment, or of the provider, are none here. */
  readonly issuer: string
  readonly nowMs: () => number
  readonly random: RandomBytes
}

/**
 * Bearer tokens of personas: JWTs signed by a pair that the node makes for itself and whose private half never leaves
 * its memory. The simulation key signs none: who has read a token has learnt nothing about it.
 */
export function createSimulatedTokens({
  store: { db },
  issuer,
  nowMs,
  random,
}: SimulatedTokensOptions): Pick<Simulation, 'issueToken'> & { readonly verifier: BearerVerifier } {
  let pair: Promise<Pair> | null = null
  const publicKeys = new Map<string, jose.CryptoKey>()

  const makePair = async (): Promise<Pair> => {
    const { publicKey, privateKey } = await jose.generateKeyPair('Ed25519')
    const kid = newSecret(random)
    const keptSeconds = pairSeconds + e2eLimits.sessionSeconds
    await db.deleteFrom('e2e_signing_keys').where('expires_at', '<', sql<Date>`now()`).execute()
    await db
      .insertInto('e2e_signing_keys')
      .values({
        kid,
        public_jwk: JSON.stringify(await jose.exportJWK(publicKey)),
        expires_at: sql<Date>`now() + make_interval(secs => ${keptSeconds})`,
      })
      .execute()
    return { kid, privateKey, endsAtMs: nowMs() + pairSeconds * 1000 }
  }
  const currentPair = async (): Promise<Pair> => {
    const current = await pair?.catch(() => null)
    if (current != null && current.endsAtMs > nowMs()) return current
    pair = makePair()
    return pair
  }
  const publicKey = async ({ kid = '' }: jose.JWTHeaderParameters): Promise<jose.CryptoKey> => {
    const known = publicKeys.get(kid)
    if (known !== undefined) return known
    const row = await db
      .selectFrom('e2e_signing_keys')
      .select('public_jwk')
      .where('kid', '=', kid)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst()
    if (row === undefined) throw new jose.errors.JWKSNoMatchingKey()
    const key = await jose.importJWK(row.public_jwk as jose.JWK, 'Ed25519')
    if (key instanceof Uint8Array) throw new Error('A public key of Ed25519 is no bytes')
    const [oldest] = publicKeys.keys()
    if (publicKeys.size >= cachedKeys && oldest !== undefined) publicKeys.delete(oldest)
    publicKeys.set(kid, key)
    return key
  }
  const payloadOf = async (bearer: string): Promise<jose.JWTPayload | null> => {
    try {
      const { payload } = await jose.jwtVerify(bearer, publicKey, {
        issuer,
        audience: issuer,
        typ: tokenType,
        algorithms: ['Ed25519', 'EdDSA'],
        requiredClaims: ['exp', 'sub', 'iat'],
        maxTokenAge: e2eLimits.sessionSeconds,
        currentDate: new Date(nowMs()),
      })
      return payload
    } catch (error) {
      if (error instanceof jose.errors.JOSEError || error instanceof TypeError) return null
      throw error
    }
  }

  return {
    async issueToken({ userId }, { persona, run }) {
      const { kid, privateKey } = await currentPair()
      const issuedAt = Math.floor(nowMs() / 1000)
      const expiresAt = issuedAt + e2eLimits.sessionSeconds
      const token = await new jose.SignJWT({ simulated: true, persona, run })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: tokenType })
        .setIssuer(issuer)
        .setAudience(issuer)
        // The user, not the persona: after a purge the same persona is somebody else, and this token nobody's.
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(newSecret(random))
        .sign(privateKey)
      return { token, expiresAt: new Date(expiresAt * 1000).toISOString() }
    },
    verifier: {
      claims(bearer) {
        try {
          return jose.decodeJwt(bearer).iss?.startsWith('holdfast:e2e:') ?? false
        } catch {
          // Not a JWT: of another kind.
          return false
        }
      },
      async verify(bearer): Promise<Access | null> {
        const payload = await payloadOf(bearer)
        const subject = UserId.safeParse(payload?.sub)
        if (payload?.exp === undefined || payload['simulated'] !== true || !subject.success) return null
        const user = await db
          .selectFrom('users')
          .select('id')
          .where('id', '=', subject.data)
          .where('kind', '=', 'simulated')
          .where('issuer', '=', issuer)
          .where('disabled_at', 'is', null)
          .executeTakeFirst()
        if (user === undefined) return null
        return {
          principal: { kind: 'simulated', userId: user.id },
          scopes: ['read', 'write'],
          endsAtMs: payload.exp * 1000,
          proof: { kind: 'bearer' },
        }
      },
    },
  }
}
