import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  createIdentityProvider,
  type IdentityProvider,
  ProviderRefusedError,
  ProviderUnreachableError,
  requireKeysUrl,
} from './identity-provider.ts'
import { createJwtBearer } from './jwt-bearer.ts'
import { systemRandom } from './secrets.ts'
import { beginAttempt } from './sign-in-attempt.ts'
import { createBrowser } from './testing/browser.ts'
import { clientId, type OidcServer, openOidcServer } from './testing/oidc-server.ts'

const redirectUri = 'http://127.0.0.1:1/auth/callback'

const providerAt = ({ issuer }: OidcServer): IdentityProvider =>
  createIdentityProvider({
    issuer: new URL(issuer),
    clientId,
    clientSecret: null,
    scopes: 'openid profile email',
    callbackUrl: new URL(redirectUri),
    allowHttp: true,
  })

const claimsFor = ({ issuer }: OidcServer) => ({
  iss: issuer,
  sub: 'ann',
  aud: 'api',
  exp: Math.floor(Date.now() / 1_000) + 60,
})

const bearerOf = (provider: IdentityProvider) => {
  const userId = systemIdMaker()('user')
  return createJwtBearer({
    provider,
    audience: 'api',
    users: { signIn: async () => ({ kind: 'user', userId }) },
  })
}

test.each([408, 425, 429, 500, 503])(
  'one that answers %i is away: asked again, it is there',
  async (status) => {
    await using oidc = await openOidcServer({ redirectUri })
    const provider = providerAt(oidc)
    oidc.answer(status)
    await expect(provider.discover()).rejects.toBeInstanceOf(ProviderUnreachableError)
    oidc.answer(true)
    expect(await provider.discover()).toMatchObject({ issuer: oidc.issuer })
  },
)

test('one that does not answer in time is away', async () => {
  await using oidc = await openOidcServer({ redirectUri })
  oidc.answer('never')
  await expect(providerAt(oidc).discover()).rejects.toBeInstanceOf(ProviderUnreachableError)
})

test('one that leads elsewhere is not followed', async () => {
  await using elsewhere = await openOidcServer({ redirectUri })
  await using oidc = await openOidcServer({ redirectUri })
  oidc.answer(new URL('/.well-known/openid-configuration', elsewhere.issuer))
  await expect(providerAt(oidc).discover()).rejects.toBeInstanceOf(ProviderRefusedError)
  expect(elsewhere.requests()).toBe(0)
})

describe('the keys of one that leads elsewhere', () => {
  test('are not followed when it is asked what it is', async () => {
    await using elsewhere = await openOidcServer({ redirectUri })
    await using oidc = await openOidcServer({ redirectUri })
    oidc.answer(new URL('/jwks', elsewhere.issuer), '/jwks')
    await expect(providerAt(oidc).discover()).rejects.toBeInstanceOf(HoldfastError)
    expect(elsewhere.requests()).toBe(0)
  })

  test('nor when they are asked for again, for an access token', async () => {
    await using elsewhere = await openOidcServer({ redirectUri })
    await using oidc = await openOidcServer({ redirectUri })
    const provider = providerAt(oidc)
    await provider.discover()
    oidc.answer(new URL('/jwks', elsewhere.issuer), '/jwks')
    const bearer = bearerOf(provider)
    await expect(bearer.verify(await oidc.sign(claimsFor(oidc)))).rejects.toMatchObject({ code: 'not_ready' })
    expect(elsewhere.requests()).toBe(0)
    oidc.answer(true)
    expect(await bearer.verify(await oidc.sign(claimsFor(oidc)))).not.toBeNull()
  })

  test('that do not come in time are away', async () => {
    await using oidc = await openOidcServer({ redirectUri })
    oidc.answer('never', '/jwks')
    const provider = providerAt(oidc)
    await expect(provider.discover()).rejects.toBeInstanceOf(ProviderUnreachableError)
    oidc.answer(true)
    await provider.discover()
    oidc.answer('never', '/jwks')
    const late = bearerOf(provider).verify(await oidc.sign(claimsFor(oidc)))
    await expect(late).rejects.toMatchObject({ code: 'not_ready' })
  })
})

test('a code that is not redeemed in time is a provider that is away', async () => {
  await using oidc = await openOidcServer({ redirectUri })
  const provider = providerAt(oidc)
  const attempt = beginAttempt(undefined, '/', Date.now(), systemRandom)
  const leave = await provider.authorizationUrl(attempt)
  const { url } = await createBrowser().follow(leave, ({ pathname }) => pathname === '/auth/callback')
  oidc.answer('never', '/token')
  await expect(provider.finish(attempt, url.searchParams)).rejects.toBeInstanceOf(ProviderUnreachableError)
})

test('one that answers 404 is none', async () => {
  await using oidc = await openOidcServer({ redirectUri })
  oidc.answer(404)
  await expect(providerAt(oidc).discover()).rejects.toBeInstanceOf(ProviderRefusedError)
})

test('an ID token that somebody else signed is not the answer', async () => {
  await using oidc = await openOidcServer({ redirectUri })
  const provider = providerAt(oidc)
  const comeBack = async () => {
    const attempt = beginAttempt(undefined, '/', Date.now(), systemRandom)
    const leave = await provider.authorizationUrl(attempt)
    const { url } = await createBrowser().follow(leave, ({ pathname }) => pathname === '/auth/callback')
    return await provider.finish(attempt, url.searchParams)
  }
  expect(await comeBack()).toEqual({ issuer: oidc.issuer, subject: 'ann', name: 'Name of ann' })
  await oidc.forgeIdTokens()
  await expect(comeBack()).rejects.toMatchObject({ name: 'SignInRefusedError', why: 'answer_invalid' })
})

test('keys are fetched by TLS, but from a provider that may be spoken to without', () => {
  const [tls, open] = ['https://id.example.test/keys', 'http://id.example.test/keys']
  expect(requireKeysUrl('id', tls, false).href).toBe(tls)
  expect(requireKeysUrl('id', open, true).href).toBe(open)
  for (const refused of [open, 'data:application/json,{}', 'keys', undefined])
    expect(() => requireKeysUrl('id', refused, false)).toThrow(ProviderRefusedError)
})
