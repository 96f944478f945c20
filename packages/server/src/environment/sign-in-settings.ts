import { UserId } from '@holdfast/protocol'
import { z } from 'zod'
import { type Secret, secret } from './secret.ts'
import { domains, printable, setting, webUrl } from './setting.ts'

/** Where people reach this server, and how it is known who they are. */
export const signInTable = {
  publicUrl: setting<URL | null>({
    names: ['HOLDFAST_PUBLIC_URL'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'Where browsers reach this server; evidence for the tier.',
  }),
  authUrl: setting<URL | null>({
    names: ['HOLDFAST_AUTH_URL'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'Where people sign in; evidence for the tier.',
  }),
  publicDomains: setting<readonly string[]>({
    names: ['HOLDFAST_PUBLIC_DOMAINS'],
    parser: domains,
    fallback: [],
    allowed: 'domains with commas between them, such as example.com,example.org',
    sentence: 'Domains that are yours. When set, a URL outside them is no evidence for a tier.',
  }),
  oidcIssuer: setting<URL | null>({
    names: ['HOLDFAST_OIDC_ISSUER'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with https://',
    sentence:
      'The OpenID Connect provider that people sign in with. Unset: local mode, on this machine only. http:// on loopback only, and never in production.',
  }),
  oidcClientId: setting<string | null>({
    names: ['HOLDFAST_OIDC_CLIENT_ID'],
    parser: printable.nullable(),
    fallback: null,
    allowed: 'the client id that the provider gave: printable characters without spaces',
    sentence:
      'What the provider knows this server as. Its redirect address there is HOLDFAST_PUBLIC_URL and /auth/callback.',
  }),
  oidcClientSecret: setting<Secret | null>({
    names: ['HOLDFAST_OIDC_CLIENT_SECRET'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'the client secret that the provider gave: printable characters without spaces',
    sentence: 'Unset: a public client, by PKCE alone.',
    secret: true,
  }),
  oidcScopes: setting<string>({
    names: ['HOLDFAST_OIDC_SCOPES'],
    parser: z.string().regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/),
    fallback: 'openid profile email',
    allowed: 'openid, and further scopes with single spaces between them',
    sentence: 'What is asked of the provider about a user.',
  }),
  apiAudience: setting<string | null>({
    names: ['HOLDFAST_API_AUDIENCE'],
    parser: printable.nullable(),
    fallback: null,
    allowed: 'the audience of access tokens for this server: printable characters without spaces',
    sentence:
      'Access tokens (JWT) of the provider with this audience are accepted as bearer tokens. Unset: none are.',
  }),
  admins: setting<readonly UserId[]>({
    names: ['HOLDFAST_ADMINS'],
    parser: z
      .string()
      .transform((text) => text.split(',').map((id) => id.trim()))
      .pipe(z.array(UserId)),
    fallback: [],
    allowed: 'user ids with commas between them, such as usr_01KB5S8M5QZ4J6F0V6R8H0W3ZC',
    sentence:
      'Users who may see the operations page once they have signed in (`holdfast users` lists ids). The one user of local mode always may.',
  }),
} as const
