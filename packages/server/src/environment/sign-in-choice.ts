import { isLoopback } from './loopback.ts'
import type { Secret } from './secret.ts'
import { SettingError, type Settings } from './settings.ts'
import type { TierDetection } from './tier.ts'

/** How people sign in. */
export type SignInChoice =
  /** One user, on this machine only, by a link. */
  | { readonly kind: 'local' }
  | {
      readonly kind: 'provider'
      readonly issuer: URL
      readonly clientId: string
      readonly clientSecret: Secret | null
      readonly scopes: string
      readonly publicUrl: URL
      /** Of access tokens that are accepted as bearer tokens; null: none are. */
      readonly audience: string | null
      /** The provider may be spoken to without TLS. */
      readonly allowHttp: boolean
    }

export type SignInSettings = Pick<
  Settings,
  'host' | 'publicUrl' | 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcScopes' | 'apiAudience'
>

/** The first that is set of those that mean nothing without a provider. */
const orphan = (settings: SignInSettings): string | undefined =>
  (
    [
      ['HOLDFAST_OIDC_CLIENT_ID', settings.oidcClientId],
      ['HOLDFAST_OIDC_CLIENT_SECRET', settings.oidcClientSecret],
      ['HOLDFAST_API_AUDIENCE', settings.apiAudience],
    ] as const
  ).find(([, value]) => value !== null)?.[0]

/**
 * P2: that something may go without TLS is privilege, so a tier that is only assumed does not give it. Why `url` cannot
 * be used; null: it can.
 */
function httpProblem(url: URL, { tier, how }: TierDetection): string | null {
  if (url.protocol === 'https:') return null
  if (!isLoopback(url.hostname)) return 'begins with http://, which is for loopback only'
  if (how !== 'explicit') return 'begins with http://, which needs HOLDFAST_ENV to be set'
  return tier === 'production' ? 'begins with http://, which production does not allow' : null
}

/** Why nobody could sign in safely with these settings, each naming what to set. */
export function signInProblems(settings: SignInSettings, detection: TierDetection): readonly SettingError[] {
  const { host, oidcIssuer: issuer, oidcClientId: clientId, publicUrl, apiAudience } = settings
  if (issuer === null) {
    const alone = orphan(settings)
    if (alone !== undefined)
      return [
        new SettingError(
          'HOLDFAST_OIDC_ISSUER',
          `${alone} is set, and HOLDFAST_OIDC_ISSUER is not: set the address of the provider too, or unset both.`,
        ),
      ]
    return isLoopback(host)
      ? []
      : [
          new SettingError(
            'HOLDFAST_HOST',
            'The server would listen beyond this machine (HOLDFAST_HOST or --host), and nobody could sign in. ' +
              'Set HOLDFAST_OIDC_ISSUER, HOLDFAST_OIDC_CLIENT_ID and HOLDFAST_PUBLIC_URL, or set HOLDFAST_HOST to 127.0.0.1.',
          ),
        ]
  }
  const problems: SettingError[] = []
  const missing = (name: string, what: string): void =>
    void problems.push(
      new SettingError(name, `HOLDFAST_OIDC_ISSUER is set, so ${name} must be too: ${what}.`),
    )
  if (clientId === null) missing('HOLDFAST_OIDC_CLIENT_ID', 'what the provider knows this server as')
  if (publicUrl === null) missing('HOLDFAST_PUBLIC_URL', 'where the provider sends people back to')
  for (const [name, url] of [
    ['HOLDFAST_OIDC_ISSUER', issuer],
    ['HOLDFAST_PUBLIC_URL', publicUrl],
  ] as const) {
    const why = url === null ? null : httpProblem(url, detection)
    if (why !== null) problems.push(new SettingError(name, `${name} ${why}. Use https://.`))
  }
  if (publicUrl !== null && (publicUrl.pathname !== '/' || publicUrl.search !== '' || publicUrl.hash !== ''))
    problems.push(
      new SettingError(
        'HOLDFAST_PUBLIC_URL',
        'HOLDFAST_PUBLIC_URL has a path: people sign in at the root of an address only. Give the server a host name of its own.',
      ),
    )
  if (apiAudience !== null && apiAudience === clientId)
    problems.push(
      new SettingError(
        'HOLDFAST_API_AUDIENCE',
        'HOLDFAST_API_AUDIENCE is the client id: every ID token would be a key to the API. Give the API an audience of its own.',
      ),
    )
  return problems
}

/** @throws {SettingError} the first of signInProblems */
export function chooseSignIn(settings: SignInSettings, detection: TierDetection): SignInChoice {
  const [problem] = signInProblems(settings, detection)
  if (problem !== undefined) throw problem
  const { oidcIssuer: issuer, oidcClientId: clientId, publicUrl } = settings
  if (issuer === null || clientId === null || publicUrl === null) return { kind: 'local' }
  return {
    kind: 'provider',
    issuer,
    clientId,
    clientSecret: settings.oidcClientSecret,
    scopes: settings.oidcScopes,
    publicUrl,
    audience: settings.apiAudience,
    allowHttp: issuer.protocol === 'http:',
  }
}
