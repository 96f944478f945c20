import { Session } from '@holdfast/protocol'
import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attemptMs } from './auth/sign-in-attempt.ts'
import { type Browser, createBrowser } from './auth/testing/browser.ts'
import { clientId, type OidcServer } from './auth/testing/oidc-server.ts'
import { openWithProvider } from './sign-in.test-support.ts'

let house: Awaited<ReturnType<typeof openWithProvider>>
let url: string
let oidc: OidcServer
beforeAll(async () => {
  house = await openWithProvider()
  ;({ url, oidc } = house)
})
afterAll(() => house[Symbol.asyncDispose]())

const isCallback = ({ pathname }: URL): boolean => pathname === '/auth/callback'
const sessionOf = async (browser: Browser): Promise<Session | number> => {
  const response = await browser.visit(`${url}/v1/session`)
  const body: unknown = await response.json()
  return response.ok ? Session.parse(body) : response.status
}
/** Up to the moment when the provider sends the browser back. */
const toCallback = async (browser: Browser, change: (url: URL) => void = () => {}): Promise<URL> => {
  const begun = await browser.visit(`${url}/auth/login`)
  const authorization = new URL(begun.headers.get('location') ?? '')
  change(authorization)
  const { url: callback, response } = await browser.follow(authorization, isCallback)
  if (response !== null) throw new Error(`The provider answered ${response.status}: ${await response.text()}`)
  return callback
}
const signIn = async (browser: Browser, to = '/'): Promise<URL> =>
  (await browser.follow(`${url}/auth/login?to=${encodeURIComponent(to)}`, (at) => at.href === `${url}${to}`))
    .url

describe('signing in with a real provider', () => {
  test('leads by code, PKCE, state and nonce to a session, and back to where one wanted to go', async () => {
    const browser = createBrowser()
    const page = await browser.visit(`${url}/login`)
    const html = await page.text()
    expect(html).toContain('href="/auth/login"')
    expect(html).not.toMatch(/<script|\son\w+=|style=/)
    const begun = await browser.visit(`${url}/auth/login?to=/threads/1`)
    const asked = new URL(begun.headers.get('location') ?? '').searchParams
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: clientId,
      code_challenge_method: 'S256',
      redirect_uri: `${url}/auth/callback`,
      scope: 'openid profile email',
    })
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.get(name)?.length).toBeGreaterThan(42)
    const { url: back } = await browser.follow(
      begun.headers.get('location') ?? '',
      (at) => at.href === `${url}/threads/1`,
    )
    expect(back.href).toBe(`${url}/threads/1`)
    expect(await sessionOf(browser)).toMatchObject({ kind: 'user' })
  })

  test('sets a cookie that no script and no other site can use', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    const answer = await browser.visit(callback)
    const [attempt = '', session = ''] = answer.headers.getSetCookie().sort().reverse()
    expect(answer.status).toBe(303)
    expect(session).toMatch(/^holdfast_\d+=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(attempt).toMatch(/^holdfast_login_\d+=; .*Expires=Thu, 01 Jan 1970/)
    expect(await answer.text()).toBe('')
  })

  test('the same person is the same user, another is another', async () => {
    const [first, again, other] = [createBrowser(), createBrowser(), createBrowser()]
    for (const browser of [first, again]) await signIn(browser)
    oidc.setAccount('bob')
    await signIn(other)
    oidc.setAccount('ann')
    const users = await Promise.all(
      [first, again, other].map(async (browser) => {
        const session = await sessionOf(browser)
        return typeof session === 'number' ? session : session.user
      }),
    )
    expect(users[0]).toBe(users[1])
    expect(users[2]).not.toBe(users[0])
  })

  test('a new session at every sign-in; the old one of the same browser ends', async () => {
    const browser = createBrowser()
    await signIn(browser)
    const name = `holdfast_${new URL(url).port}`
    const old = browser.cookie(url, name) ?? ''
    await signIn(browser)
    expect(browser.cookie(url, name)).not.toBe(old)
    const thief = createBrowser()
    thief.setCookie(url, name, old)
    expect(await sessionOf(thief)).toBe(401)
    // A value that somebody planted before the sign-in is worth nothing after it (fixation).
    const planted = 'A'.repeat(43)
    thief.setCookie(url, name, planted)
    await signIn(thief)
    expect(thief.cookie(url, name)).not.toBe(planted)
  })

  test('two tabs of one browser sign in side by side', async () => {
    const browser = createBrowser()
    const [one, two] = [await toCallback(browser), await toCallback(browser)]
    // The second began while the first was away: each brings its own state, nonce and verifier.
    expect((await browser.visit(one)).status).toBe(303)
    // The attempt's cookie went with the first answer: the second tab finds itself signed in.
    const second = await browser.visit(two)
    expect([second.status, second.headers.get('location')]).toEqual([303, '/'])
    expect(await sessionOf(browser)).toMatchObject({ kind: 'user' })
  })

  test.each([
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    '/.//evil.test/x',
    '/%2e//evil.test/x',
    '/a/..//evil.test/x',
    'javascript:alert(1)',
    '/%0d%0ax: y',
  ])('leads nowhere else: %s', async (to) => {
    const browser = createBrowser()
    const { url: back } = await browser.follow(
      `${url}/auth/login?to=${encodeURIComponent(to)}`,
      (at) => at.hostname === 'evil.test' || (at.origin === url && !at.pathname.startsWith('/auth/')),
    )
    expect(back.origin).toBe(url)
  })

  test('leads nowhere else, whatever the cookie of the attempt says', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    const name = `holdfast_login_${new URL(url).port}`
    const [endsAt, secret] = browser.cookie(url, name)?.split('.') ?? []
    const elsewhere = Buffer.from('https://evil.test/').toString('base64url')
    browser.setCookie(url, name, `${endsAt}.${secret}.${elsewhere}`)
    expect((await browser.visit(callback)).headers.get('location')).toBe('/')
  })

  test('signing out ends it', async () => {
    const browser = createBrowser()
    await signIn(browser)
    const headers = { 'sec-fetch-site': 'same-origin' }
    expect((await browser.visit(`${url}/v1/session`, { method: 'DELETE', headers })).status).toBe(204)
    expect(await sessionOf(browser)).toBe(401)
  })

  test('a host that is not the public one is refused, but for probes', async () => {
    const elsewhere = `http://localhost:${new URL(url).port}`
    expect((await fetch(`${elsewhere}/login`)).status).toBe(403)
    expect((await fetch(`${elsewhere}/health/live`)).status).toBe(200)
  })

  test('there is no local door: no link, no token, no file that holds one', async () => {
    expect(house.server.local).toBeNull()
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/v1/session`, { method: 'POST', headers, body: '{"token":"x"}' })
    expect(response.status).toBe(404)
  })
})

describe('refused', () => {
  /** What the page says, as a page. */
  const refusal = async (browser: Browser, callback: URL | string): Promise<[number, string]> => {
    const response = await browser.visit(callback)
    const text = await response.text()
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(text).toContain('Sign in again')
    expect(await sessionOf(browser)).toBe(401)
    return [response.status, /<p>(.*?)<\/p>/.exec(text)?.[1] ?? '']
  }
  const stale = [400, expect.stringContaining('not begun in this browser')]
  const invalid = [401, expect.stringContaining('is not the one to this sign-in')]
  const codeRefused = [400, expect.stringContaining('does not take this sign-in')]

  test('an answer with another state', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    const state = callback.searchParams.get('state') ?? ''
    callback.searchParams.set('state', state.slice(0, -1) + (state.endsWith('A') ? 'B' : 'A'))
    expect(await refusal(browser, callback)).toEqual(stale)
    callback.searchParams.delete('state')
    expect(await refusal(browser, callback)).toEqual(stale)
  })

  test('the answer to another browser’s sign-in (login CSRF)', async () => {
    const callback = await toCallback(createBrowser())
    const victim = createBrowser()
    expect(await refusal(victim, callback)).toEqual(stale)
    await victim.visit(`${url}/auth/login`)
    expect(await refusal(victim, callback)).toEqual(stale)
  })

  test('an ID token with another nonce', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, (asked) => asked.searchParams.set('nonce', 'of-somebody-else'))
    expect(await refusal(browser, callback)).toEqual(invalid)
  })

  test('another verifier than the code was asked with', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, (asked) =>
      asked.searchParams.set('code_challenge', jose.base64url.encode(new Uint8Array(32))),
    )
    expect(await refusal(browser, callback)).toEqual(codeRefused)
  })

  test('an answer that says it is of another issuer (mix-up)', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    callback.searchParams.set('iss', 'https://evil.test')
    expect(await refusal(browser, callback)).toEqual(invalid)
    callback.searchParams.delete('iss')
    expect(await refusal(browser, callback)).toEqual(invalid)
  })

  test('a code for the second time, by the same browser and by one that stole all its cookies', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    const name = `holdfast_login_${new URL(url).port}`
    const attempt = browser.cookie(url, name) ?? ''
    expect((await browser.visit(callback)).status).toBe(303)
    const replayed = createBrowser()
    expect(await refusal(replayed, callback)).toEqual(stale)
    replayed.setCookie(url, name, attempt)
    expect(await refusal(replayed, callback)).toEqual(codeRefused)
  })

  test('what the provider or the user refused', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser, (asked) => asked.searchParams.set('login_hint', 'refuse'))
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(await refusal(browser, callback)).toEqual([403, expect.stringContaining('did not let you in')])
  })

  test('a sign-in that took longer than attemptMs', async () => {
    const browser = createBrowser()
    const callback = await toCallback(browser)
    const name = `holdfast_login_${new URL(url).port}`
    const cookie = browser.cookie(url, name) ?? ''
    browser.setCookie(url, name, cookie.replace(/^\d+/, String(Date.now() - 1)))
    expect(await refusal(browser, callback)).toEqual(stale)
    // Nor can its end be moved beyond what a sign-in may take.
    browser.setCookie(url, name, cookie.replace(/^\d+/, String(Date.now() + 2 * attemptMs)))
    expect(await refusal(browser, callback)).toEqual(stale)
  })

  test('a callback that holds markup shows none of it', async () => {
    const browser = createBrowser()
    const response = await browser.visit(`${url}/auth/callback?error=<script>&state=<img>`)
    expect(await response.text()).not.toMatch(/<script|<img/)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})
