import { describe, expect, test } from 'vitest'
import { createBrowser } from './auth/testing/browser.ts'
import { openOidcServer } from './auth/testing/oidc-server.ts'
import { audience, freePort, openWithProvider } from './sign-in.test-support.ts'

/** Two servers start, on a machine that does other things as well. */
const patienceMs = 120_000

describe('a provider that', { timeout: patienceMs }, () => {
  test('is away when the server starts keeps nobody out who is in, and signs people in when it is back', async () => {
    const port = await freePort()
    await using away = await openOidcServer({ redirectUri: `http://127.0.0.1:${port}/auth/callback` })
    away.answer(false)
    await using started = await openWithProvider(
      {},
      {
        HOLDFAST_OIDC_ISSUER: away.issuer,
        HOLDFAST_PORT: String(port),
        HOLDFAST_PUBLIC_URL: `http://127.0.0.1:${port}`,
      },
    )
    const home = `http://127.0.0.1:${port}`
    expect((await fetch(`${home}/health/ready`)).status).toBe(200)
    const browser = createBrowser()
    const refused = await browser.visit(`${home}/auth/login`)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    const bearer = await away.sign({ iss: away.issuer, aud: audience, sub: 'a', exp: 9_999_999_999 })
    const session = () => fetch(`${home}/v1/session`, { headers: { authorization: `Bearer ${bearer}` } })
    expect((await session()).status).toBe(503)
    away.answer(true)
    expect((await session()).status).toBe(200)
    expect((await browser.visit(`${home}/auth/login`)).status).toBe(303)
    expect(started.server.local).toBeNull()
  })

  test('signs with the key that everybody has does not let the server start', async () => {
    await expect(openWithProvider({ trialKey: true })).rejects.toMatchObject({
      name: 'SettingError',
      setting: 'HOLDFAST_OIDC_ISSUER',
      message: expect.stringContaining('keystore-CHANGE-ME'),
    })
  })

  test('says it is another issuer does not let the server start', async () => {
    await using imposter = await openOidcServer({ redirectUri: 'http://127.0.0.1:1/auth/callback' })
    await expect(
      openWithProvider({}, { HOLDFAST_OIDC_ISSUER: `${imposter.issuer}/elsewhere` }),
    ).rejects.toMatchObject({
      setting: 'HOLDFAST_OIDC_ISSUER',
    })
  })

  test('knows the server as a public client needs no secret', async () => {
    await using house = await openPublic()
    expect(
      (await createBrowser().follow(`${house.url}/auth/login`, (at) => at.pathname === '/')).url.href,
    ).toBe(`${house.url}/`)
  })
})

async function openPublic() {
  const port = await freePort()
  const home = `http://127.0.0.1:${port}`
  await using opening = new AsyncDisposableStack()
  const provider = opening.use(await openOidcServer({ redirectUri: `${home}/auth/callback` }))
  const started = opening.use(
    await openWithProvider(
      {},
      {
        HOLDFAST_PORT: String(port),
        HOLDFAST_PUBLIC_URL: home,
        HOLDFAST_OIDC_ISSUER: provider.issuer,
        HOLDFAST_OIDC_CLIENT_SECRET: '',
      },
    ),
  )
  const owned = opening.move()
  return { ...started, url: home, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
