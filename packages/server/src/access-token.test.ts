import type { webcrypto } from 'node:crypto'
import { Session } from '@holdfast/protocol'
import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from './auth/testing/browser.ts'
import { clientId, type OidcServer } from './auth/testing/oidc-server.ts'
import { audience, openWithProvider } from './sign-in.test-support.ts'

let house: Awaited<ReturnType<typeof openWithProvider>>
let url: string
let oidc: OidcServer
beforeAll(async () => {
  house = await openWithProvider()
  ;({ url, oidc } = house)
})
afterAll(() => house[Symbol.asyncDispose]())

describe('an access token of the provider', () => {
  const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600
  const claims = () => ({ iss: oidc.issuer, aud: audience, sub: 'ann', exp: inAnHour() })
  const ask = async (bearer: string): Promise<number> => {
    const response = await fetch(`${url}/v1/session`, { headers: { authorization: `Bearer ${bearer}` } })
    await response.arrayBuffer()
    return response.status
  }

  test('is its subject’s, the same user as in the browser', async () => {
    const browser = createBrowser()
    await browser.follow(`${url}/auth/login`, (at) => at.href === `${url}/`)
    const response = await fetch(`${url}/v1/session`, {
      headers: { authorization: `Bearer ${await oidc.sign(claims())}` },
    })
    // No token may change the account it belongs to.
    const ofBrowser = Session.parse(await (await browser.visit(`${url}/v1/session`)).json())
    expect(await response.json()).toEqual({ ...ofBrowser, scopes: ['read', 'write'] })
  })

  test('of typ JWT or none is accepted too', async () => {
    expect(await ask(await oidc.sign(claims(), { typ: 'JWT' }))).toBe(200)
  })

  test('that may only read may not write', async () => {
    const bearer = await oidc.sign({ ...claims(), scope: 'openid holdfast:read' })
    expect(await ask(bearer)).toBe(200)
    const response = await fetch(`${url}/v1/threads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(response.status).toBe(403)
  })

  const b64 = (value: object): string => jose.base64url.encode(JSON.stringify(value))
  test.each<[string, () => Promise<string> | string]>([
    ['alg none', () => `${b64({ alg: 'none', typ: 'at+jwt' })}.${b64(claims())}.`],
    ['alg none with a signature', () => `${b64({ alg: 'none' })}.${b64(claims())}.AAAA`],
    [
      'HS256 with the public key as the secret',
      async () => {
        const jwks = await (await fetch(`${oidc.issuer}/jwks`)).text()
        return new jose.SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'own-key' })
          .sign(new TextEncoder().encode(jwks))
      },
    ],
    ['another audience', () => oidc.sign({ ...claims(), aud: 'https://other.test' })],
    ['the client as its audience (an ID token)', () => oidc.sign({ ...claims(), aud: clientId })],
    ['no audience', () => oidc.sign({ iss: oidc.issuer, sub: 'ann', exp: inAnHour() })],
    ['another issuer', () => oidc.sign({ ...claims(), iss: 'https://other.test' })],
    ['another type', () => oidc.sign(claims(), { typ: 'logout+jwt' })],
    ['no exp', () => oidc.sign({ iss: oidc.issuer, aud: audience, sub: 'ann' })],
    ['no sub', () => oidc.sign({ iss: oidc.issuer, aud: audience, exp: inAnHour() })],
    ['an exp that is over', () => oidc.sign({ ...claims(), exp: Math.floor(Date.now() / 1000) - 60 })],
    ['an nbf to come', () => oidc.sign({ ...claims(), nbf: inAnHour() })],
    ['jku', () => oidc.sign(claims(), { jku: 'https://evil.test/jwks' })],
    ['x5u', () => oidc.sign(claims(), { x5u: 'https://evil.test/certificate' })],
    ['the public trial key', () => oidc.sign(claims(), { kid: 'keystore-CHANGE-ME' })],
    ['an unknown critical header', () => forged({ crit: ['x'], x: 1 })],
    ['a key of its own', () => forged({ kid: 'own-key' })],
    ['a key of its own, in its header', () => forged({ kid: 'own-key' }, true)],
    ['an unknown key', () => forged({ kid: 'nobody’s' })],
    ['no JSON', () => 'a.b.c'],
  ])('with %s is 401', async (_what, make) => {
    expect(await ask(await make())).toBe(401)
  })

  async function forged(header: object, withKey = false): Promise<string> {
    const { privateKey, publicKey } = await jose.generateKeyPair('RS256')
    const jwk = withKey ? { jwk: await jose.exportJWK(publicKey) } : {}
    const token = await new jose.SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
    const [, payload] = token.split('.')
    const head = b64({ alg: 'RS256', typ: 'at+jwt', ...header, ...jwk })
    const signature = await crypto.subtle.sign(
      'RSASSA-PKCS1-v1_5',
      privateKey as webcrypto.CryptoKey,
      new TextEncoder().encode(`${head}.${payload}`),
    )
    return `${head}.${payload}.${jose.base64url.encode(new Uint8Array(signature))}`
  }
})
