import { HoldfastError, type Scope } from '@holdfast/protocol'
import * as jose from 'jose'
import type { BearerVerifier } from './authenticator.ts'
import { type IdentityProvider, publicTrialKey } from './identity-provider.ts'
import type { Users } from './users.ts'

export interface JwtBearerOptions {
  readonly provider: Pick<IdentityProvider, 'discover'>
  /** Of this API: a token for anybody else is none for us. */
  readonly audience: string
  readonly users: Pick<Users, 'signIn'>
}

/** Asymmetric only: with HS256 a public key would be a secret. `none` is in no list of jose's. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** What an access token may call itself; ID, logout and security event tokens have other names. */
const types: ReadonlySet<string | undefined> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])

/** A clock that is a little off on either side. */
const clockToleranceSeconds = 5

/** A key that is not known is asked for again this often at most, however many tokens name it. */
const jwksCooldownMs = 30_000

/** Access tokens (RFC 9068 and their like) of the provider that people sign in with, by its published keys. */
export function createJwtBearer({ provider, audience, users }: JwtBearerOptions): BearerVerifier {
  let known: { readonly issuer: string; readonly keys: jose.JWTVerifyGetKey } | null = null
  const issuerAndKeys = async (): Promise<NonNullable<typeof known>> => {
    if (known === null) {
      const { issuer, jwksUrl } = await provider.discover()
      known = { issuer, keys: jose.createRemoteJWKSet(jwksUrl, { cooldownDuration: jwksCooldownMs }) }
    }
    return known
  }

  return {
    claims: (bearer) => bearer.split('.').length === 3,
    async verify(bearer) {
      const payload = await verified(bearer)
      if (payload === null) return null
      const { iss, sub, exp } = payload
      if (iss === undefined || sub === undefined || exp === undefined || sub === '') return null
      const principal = await users.signIn({ issuer: iss, subject: sub, name: null }, 'user')
      if (principal === null) return null
      return { principal, scopes: scopesOf(payload), endsAtMs: exp * 1000, proof: { kind: 'bearer' } }
    },
  }

  async function verified(bearer: string): Promise<jose.JWTPayload | null> {
    try {
      const header = jose.decodeProtectedHeader(bearer)
      if (!types.has(header.typ?.toLowerCase()) || header.kid === publicTrialKey) return null
      // Keys come from the issuer, never from where a token says they are. jose ignores these; we would rather know.
      if (header.jku !== undefined || header.x5u !== undefined || header.jwk !== undefined) return null
      const { issuer, keys } = await issuerAndKeys()
      const { payload } = await jose.jwtVerify(bearer, keys, {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: clockToleranceSeconds,
      })
      return payload
    } catch (error) {
      if (isAway(error))
        throw new HoldfastError(
          'not_ready',
          'The keys of the identity provider cannot be read now; try again',
          {
            cause: error,
          },
        )
      if (error instanceof HoldfastError) throw error
      if (error instanceof jose.errors.JOSEError || error instanceof TypeError) return null
      throw error
    }
  }
}

function isAway(error: unknown): boolean {
  if (error instanceof jose.errors.JWKSTimeout) return true
  // jose: "Expected 200 OK from the JSON Web Key Set HTTP response"
  if (error instanceof jose.errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC'
  return error instanceof TypeError && error.message === 'fetch failed'
}

/** A token that names scopes of ours is held to them; one that names none may read and write, never more. */
function scopesOf({ scope, scp }: jose.JWTPayload): readonly Scope[] {
  const named = [scope, scp].flat().flatMap((value) => (typeof value === 'string' ? value.split(' ') : []))
  const ours = named.flatMap((name) => (/^holdfast:(read|write)$/.exec(name)?.[1] ?? []) as Scope[])
  if (ours.length === 0) return ['read', 'write']
  return [...new Set<Scope>(['read', ...ours])]
}
