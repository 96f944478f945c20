import { HoldfastError } from '@holdfast/protocol'
import * as oidc from 'openid-client'
import type { SignInAttempt } from './sign-in-attempt.ts'
import type { Identity } from './users.ts'

export interface ProviderOptions {
  readonly issuer: URL
  readonly clientId: string
  /** null: a public client. */
  readonly clientSecret: string | null
  /** `openid` and others, with spaces between them. */
  readonly scopes: string
  /** Where the provider sends people back to: made of the configured address, never of a request's Host. */
  readonly callbackUrl: URL
  readonly allowHttp: boolean
}

export interface ProviderKeys {
  readonly issuer: string
  readonly jwksUrl: URL
}

/** Any OpenID Connect provider: authorization code with PKCE (S256), state and nonce. */
export interface IdentityProvider {
  /** As it is configured; as the provider spells itself, `discover` says. */
  readonly name: string
  /**
   * Asks the provider what it is. Done once; what failed is tried again by the next who asks.
   * @throws {ProviderUnreachableError}; {ProviderRefusedError} it answers, and must not be trusted
   */
  discover(): Promise<ProviderKeys>
  /** Where to send the browser. @throws as discover */
  authorizationUrl(attempt: SignInAttempt): Promise<URL>
  /**
   * Who came back.
   * @param answer the query of the callback
   * @throws as discover; {SignInRefusedError} what came back is not worth an identity
   */
  finish(attempt: SignInAttempt, answer: URLSearchParams): Promise<Identity>
}

/** No answer, or none that says anything: another time may be better. */
export class ProviderUnreachableError extends HoldfastError {
  override readonly name = 'ProviderUnreachableError'
  constructor(provider: string, options?: ErrorOptions) {
    super('not_ready', `The identity provider ${provider} does not answer; try again in a moment`, options)
  }
}

/** The provider answers, and what it says rules it out: no other time will be better. */
export class ProviderRefusedError extends HoldfastError {
  override readonly name = 'ProviderRefusedError'
  constructor(provider: string, why: string, options?: ErrorOptions) {
    super('internal', `The identity provider ${provider} is not accepted: ${why}`, options)
  }
}

export type RefusedSignIn =
  /** The user or the provider said no. */
  | 'denied'
  /** The provider does not take the code (used, expired, of another browser). */
  | 'code_refused'
  /** State, nonce, issuer, audience, signature or time: the answer is not the one to our question. */
  | 'answer_invalid'

export class SignInRefusedError extends Error {
  override readonly name = 'SignInRefusedError'
  readonly why: RefusedSignIn
  constructor(why: RefusedSignIn, message: string, options?: ErrorOptions) {
    super(message, options)
    this.why = why
  }
}

/** One request to the provider, in seconds. */
const timeoutSeconds = 5

/** The key that oidc-provider ships for trials: its private half is public. */
export const publicTrialKey = 'keystore-CHANGE-ME'

export function createIdentityProvider(options: ProviderOptions): IdentityProvider {
  const { clientId, clientSecret, scopes, callbackUrl, allowHttp } = options
  const name = options.issuer.host

  const ask = async (): Promise<oidc.Configuration> => {
    const found = await oidc.discovery(options.issuer, clientId, {}, oidc.None(), {
      timeout: timeoutSeconds,
      execute: allowHttp ? [oidc.allowInsecureRequests] : [],
    })
    const config = new oidc.Configuration(
      found.serverMetadata(),
      clientId,
      {},
      clientAuthentication(clientSecret, found.serverMetadata().token_endpoint_auth_methods_supported),
    )
    config.timeout = timeoutSeconds
    if (allowHttp) oidc.allowInsecureRequests(config)
    // Signatures are checked although the code flow may do without: a proxy before the token endpoint is not the provider.
    oidc.enableNonRepudiationChecks(config)
    const response = await fetch(requireKeysUrl(name, config.serverMetadata().jwks_uri, allowHttp), {
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    })
    if (!response.ok) throw new TypeError(`The keys of ${name} answer ${response.status}`)
    if ((await response.text()).includes(publicTrialKey))
      throw new ProviderRefusedError(
        name,
        `it signs with the trial key ${publicTrialKey}, which everybody has. Give it keys of its own`,
      )
    return config
  }
  let asked: Promise<oidc.Configuration> | null = null
  const configuration = (): Promise<oidc.Configuration> =>
    (asked ??= ask().catch((error: unknown) => {
      asked = null
      throw discoveryError(name, error)
    }))

  return {
    name,
    async discover() {
      const { issuer, jwks_uri: jwksUri } = (await configuration()).serverMetadata()
      return { issuer, jwksUrl: requireKeysUrl(name, jwksUri, allowHttp) }
    },
    async authorizationUrl({ state, nonce, verifier }) {
      return oidc.buildAuthorizationUrl(await configuration(), {
        redirect_uri: callbackUrl.href,
        scope: scopes,
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
    },
    async finish({ state, nonce, verifier }, answer) {
      const config = await configuration()
      const current = new URL(callbackUrl)
      current.search = answer.toString()
      try {
        const tokens = await oidc.authorizationCodeGrant(config, current, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined) throw new SignInRefusedError('answer_invalid', 'There is no ID token')
        // The provider's tokens end here: no browser and no table ever holds one.
        return { issuer: claims.iss, subject: claims.sub, name: nameOf(claims) }
      } catch (error) {
        throw grantError(name, error)
      }
    },
  }
}

/**
 * Whoever can change the keys on their way can sign as anybody.
 * @throws {ProviderRefusedError}
 */
export function requireKeysUrl(provider: string, jwksUri: string | undefined, allowHttp: boolean): URL {
  if (jwksUri === undefined) throw new ProviderRefusedError(provider, 'it publishes no keys (jwks_uri)')
  const url = URL.parse(jwksUri)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && allowHttp)) return url
  throw new ProviderRefusedError(provider, 'its keys (jwks_uri) are not at an https:// address')
}

/** What the provider takes; where it does not say, the standard's default. */
function clientAuthentication(secret: string | null, methods = ['client_secret_basic']): oidc.ClientAuth {
  if (secret === null) return oidc.None()
  return methods.includes('client_secret_post')
    ? oidc.ClientSecretPost(secret)
    : oidc.ClientSecretBasic(secret)
}

function nameOf(claims: oidc.IDToken): string | null {
  for (const key of ['name', 'preferred_username', 'email'] as const) {
    const value = claims[key]
    if (typeof value === 'string' && value.trim() !== '')
      return value.trim().replaceAll('\0', '').slice(0, 200)
  }
  return null
}

function discoveryError(provider: string, error: unknown): Error {
  if (error instanceof HoldfastError) return error
  if (isAway(error)) return new ProviderUnreachableError(provider, { cause: error })
  const why = error instanceof Error ? error.message : String(error)
  return new ProviderRefusedError(provider, why, { cause: error })
}

function grantError(provider: string, error: unknown): Error {
  if (error instanceof SignInRefusedError) return error
  if (error instanceof oidc.AuthorizationResponseError)
    return new SignInRefusedError('denied', `The provider answered ${error.error}`, { cause: error })
  if (error instanceof oidc.ResponseBodyError)
    return new SignInRefusedError('code_refused', `The provider answered ${error.error}`, { cause: error })
  if (isAway(error)) return new ProviderUnreachableError(provider, { cause: error })
  const why = error instanceof Error ? error.message : String(error)
  return new SignInRefusedError('answer_invalid', why, { cause: error })
}

/** Answers that another time may be better than: those below 500 too that say so. */
const awayStatuses: ReadonlySet<number> = new Set([408, 425, 429])

/** No connection, no answer in time, or one that says that it is the provider's fault or too much at once. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { cause, code } = error as Error & { readonly code?: unknown }
  if (cause instanceof Response) return cause.status >= 500 || awayStatuses.has(cause.status)
  if (code === 'OAUTH_TIMEOUT' || error.name === 'TimeoutError') return true
  // fetch says TypeError for whatever keeps it from an answer; openid-client uses it for arguments too, with a code.
  return error instanceof TypeError && code === undefined
}
