/** Signing in with a provider, and what belongs to somebody else: a real oidc-provider, a real browser. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { clientId, type OidcServer, openOidcServer } from '../../server/src/auth/testing/oidc-server.ts'
import { freePort } from '../../server/src/store/testing/free-port.ts'
import { buildPage } from '../bin/build-page.ts'
import { hasChromium, openBrowser, openVisitor } from './browser.test-support.ts'
import { openPageServer, type PageServer } from './server.test-support.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
const patienceMs = 90_000

let browser: Browser
let oidc: OidcServer
let server: PageServer

describe.skipIf(!hasChromium)('signing in with a provider (needs /usr/bin/chromium)', () => {
  beforeAll(async () => {
    await buildPage()
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    oidc = await openOidcServer({ redirectUri: `${url}/auth/callback`, clientSecret: 'a-secret' })
    server = await openPageServer({
      port,
      env: {
        HOLDFAST_ENV: 'test',
        HOLDFAST_PUBLIC_URL: url,
        HOLDFAST_OIDC_ISSUER: oidc.issuer,
        HOLDFAST_OIDC_CLIENT_ID: clientId,
        HOLDFAST_OIDC_CLIENT_SECRET: 'a-secret',
      },
    })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
    await oidc?.[Symbol.asyncDispose]()
  })
  const heading = 'What do you want to know of your data?'

  test('leads to the provider and back to where the reader was; a foreign thread is as good as none', async () => {
    oidc.setAccount('alice')
    await using alice = await openVisitor(browser)
    alice.page.setDefaultTimeout(patienceMs)
    await alice.page.goto(server.url)
    // Without a session the page leads to signing in.
    await alice.page.getByRole('link', { name: 'Sign in' }).click()
    await alice.page.getByRole('heading', { name: heading }).waitFor()
    await alice.page.getByRole('textbox', { name: 'Your question' }).fill('Where does my money go?')
    await alice.page.keyboard.press('Enter')
    await alice.page.getByRole('heading', { name: /missing for an answer/ }).waitFor()
    const deepLink = alice.page.url()

    oidc.setAccount('bob')
    await using bob = await openVisitor(browser)
    bob.page.setDefaultTimeout(patienceMs)
    await bob.page.goto(deepLink)
    await bob.page.getByRole('link', { name: 'Sign in' }).click()
    // Back at the deep link, which is somebody else's.
    await bob.page.getByRole('heading', { name: 'There is no such conversation' }).waitFor()
    expect(bob.page.url()).toBe(deepLink)
    expect(await bob.page.content()).not.toContain('my money')
    // Nobody made bob somebody who runs the server.
    expect(await bob.page.getByRole('link', { name: 'Operations' }).count()).toBe(0)

    await alice.page.goto(`${server.url}/settings`)
    await alice.page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await alice.page.getByRole('link', { name: 'Sign in' }).waitFor()
    await alice.page.goto(deepLink)
    await alice.page.getByRole('link', { name: 'Sign in' }).waitFor()
    // What the server refused is all that was said to be wrong.
    for (const complaint of [...alice.complaints, ...bob.complaints])
      expect(complaint).toMatch(/status of 40[14]/)
  })

  test('works without a script up to the page, which says that it needs one', async () => {
    oidc.setAccount('carol')
    await using carol = await openVisitor(browser, { javaScriptEnabled: false })
    carol.page.setDefaultTimeout(patienceMs)
    await carol.page.goto(`${server.url}/login`)
    await carol.page.getByRole('link', { name: 'Sign in' }).click()
    await carol.page.waitForURL(`${server.url}/`)
    // A browser whose scripts are switched off from outside keeps the text and does not draw it.
    expect(await carol.page.content()).toContain('This page needs JavaScript')
    await carol.page.goto(`${server.url}/nowhere`)
    await carol.page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  })
})
