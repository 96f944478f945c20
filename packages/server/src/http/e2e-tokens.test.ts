import { e2eLimits } from '@holdfast/protocol/e2e'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { alice, bearer, newRun, postSigned, sessionOf, simulate } from './e2e-simulation.test-support.ts'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

describe('a token', () => {
  const forged = async (
    server: TestServer,
    change: { claims?: object; header?: object; sign?: 'none' | 'HS256' | 'own' },
  ): Promise<string> => {
    const session = await simulate(server)
    const [head = '', body = ''] = (session.token ?? '').split('.')
    const read = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString())
    const write = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = { ...read(head), ...change.header }
    const claims = { ...read(body), ...change.claims }
    if (change.sign === undefined)
      return `${write(header)}.${write(claims)}.${(session.token ?? '').split('.')[2]}`
    if (change.sign === 'none') return `${write({ ...header, alg: 'none' })}.${write(claims)}.`
    if (change.sign === 'HS256')
      return new jose.SignJWT({ ...claims })
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(Buffer.from(server.simulation.key))
    const { privateKey } = await jose.generateKeyPair('Ed25519')
    return new jose.SignJWT({ ...claims }).setProtectedHeader({ ...header, alg: 'EdDSA' }).sign(privateKey)
  }

  test.each<[string, Parameters<typeof forged>[1]]>([
    ['for somebody else', { claims: { sub: 'usr_01ARZ3NDEKTSV4RRFFQ69G5FAV' } }],
    ['of no algorithm', { sign: 'none' }],
    ['signed with the simulation key', { sign: 'HS256' }],
    ['signed with a key of the caller', { sign: 'own' }],
    ['of a key that nobody made', { sign: 'own', header: { kid: 'x' } }],
    ['that names where its key is', { sign: 'own', header: { jku: 'https://evil.test', kid: 'x' } }],
    ['for another deployment', { claims: { aud: 'holdfast:e2e:other' } }],
    ['that lives longer', { claims: { exp: Math.floor(Date.now() / 1000) + 86_400 } }],
  ])('%s is nobody’s', async (_what, change) => {
    await using server = await openTestServer()
    const token = await forged(server, change)
    expect(await sessionOf(server, { authorization: `Bearer ${token}` })).toBe(401)
  })

  /** Signed as a node signs: what is judged is what stands in it. */
  test.each<[string, object, Partial<jose.JWTHeaderParameters>]>([
    ['is no longer good', { exp: -1, iat: -901 }, {}],
    ['was made too long ago', { iat: -1000 }, {}],
    ['ends at no time', { exp: undefined }, {}],
    ['does not say that it is simulated', { simulated: false }, {}],
    ['is of another issuer', { iss: 'holdfast:e2e:other' }, {}],
    ['is for another audience', { aud: 'holdfast:e2e:other' }, {}],
    ['names a real user', { sub: 'real' }, {}],
    ['names nobody', { sub: 'x' }, {}],
    ['is of another type', {}, { typ: 'jwt' }],
  ])('that %s is nobody’s, though the signature is good', async (_what, change, header) => {
    await using server = await openTestServer()
    const session = await simulate(server)
    const { publicKey, privateKey } = await jose.generateKeyPair('Ed25519')
    const jwk = JSON.stringify(await jose.exportJWK(publicKey))
    const kid = `test-${newRun()}`
    await server.store.db
      .insertInto('e2e_signing_keys')
      .values({ kid, public_jwk: jwk, expires_at: new Date(Date.now() + 60_000) })
      .execute()
    const issuer = `holdfast:e2e:${server.simulation.host}`
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: issuer,
      sub: session.user as string,
      simulated: true,
      iat: now,
      exp: now + 60,
    }
    const token = (changed: Record<string, unknown>) => {
      const timed = Object.entries(changed).map(([name, value]) => [
        name,
        typeof value === 'number' ? now + value : value === 'real' ? server.principal.userId : value,
      ])
      return new jose.SignJWT({ ...claims, ...Object.fromEntries(timed) })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt', ...header })
        .sign(privateKey)
    }
    expect(
      await sessionOf(server, { authorization: `Bearer ${await token(change as Record<string, unknown>)}` }),
    ).toBe(401)
    if (Object.keys(header).length === 0)
      expect(await sessionOf(server, { authorization: `Bearer ${await token({})}` })).toMatchObject({
        kind: 'simulated',
      })
  })

  test('ends after fifteen minutes', async () => {
    let nowMs = Date.now()
    await using server = await openTestServer({ nowMs: () => nowMs })
    const session = await simulate(server)
    nowMs += e2eLimits.sessionSeconds * 1000 - 1_000
    expect(await sessionOf(server, bearer(session))).toMatchObject({ user: session.user })
    nowMs += 2_000
    expect(await sessionOf(server, bearer(session))).toBe(401)
  })

  test('may read and write, and change no account; no simulated user has a personal token', async () => {
    await using server = await openTestServer()
    const headers = bearer(await simulate(server))
    const ask = async (method: string, path: string): Promise<number> =>
      (
        await fetch(`${server.url}${path}`, {
          method,
          ...(method === 'POST'
            ? { headers: { ...headers, 'content-type': 'application/json' }, body: '{"name":"x"}' }
            : { headers }),
        })
      ).status
    expect(await ask('POST', '/v1/tokens')).toBe(403)
    expect(await ask('DELETE', '/v1/account')).toBe(403)
    expect(await ask('GET', '/v1/account/export')).toBe(403)
    const cookie =
      (await postSigned(server, { ...alice, mode: 'cookie' })).headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const byCookie = await fetch(`${server.url}/v1/tokens`, {
      method: 'POST',
      headers: { cookie, origin: server.url, 'content-type': 'application/json' },
      body: '{"name":"x"}',
    })
    expect(byCookie.status).toBe(403)
  })
})
