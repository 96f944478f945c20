/** axe-core on each screen, in both themes; and what it cannot see: zoom, a narrow screen, still pictures. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildPage } from '../bin/build-page.ts'
import { audit } from './axe.test-support.ts'
import { hasChromium, openBrowser, openVisitor, type Visitor } from './browser.test-support.ts'
import { openPageServer, type PageServer, signIn } from './server.test-support.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })
const patienceMs = 90_000

const lastTurn = (page: Page) => page.getByRole('article').last()

describe.skipIf(!hasChromium)('for everybody (needs /usr/bin/chromium)', () => {
  let browser: Browser
  let server: PageServer
  let visitor: Visitor
  let page: Page
  const addresses = { needsData: '', answered: '' }

  beforeAll(async () => {
    await buildPage()
    browser = await openBrowser()
    server = await openPageServer()
    visitor = await openVisitor(browser)
    ;({ page } = visitor)
    page.setDefaultTimeout(patienceMs)
    await signIn(page, server)
    await page.getByRole('textbox', { name: 'Your question' }).fill('Where does the money go?')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /missing for an answer/ }).waitFor()
    addresses.needsData = page.url()
    await page.goto(server.url)
    await page.getByRole('button', { name: /Cost by model/ }).click()
    await lastTurn(page).getByText('Verified playbook').waitFor()
    addresses.answered = page.url()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  const screens: readonly (readonly [name: string, go: () => Promise<void>])[] = [
    ['home', async () => void (await page.goto(server.url))],
    [
      'request card',
      async () => {
        await page.goto(addresses.needsData)
        await page.getByText('Where to get it').first().click()
      },
    ],
    [
      'answer, steps and queries open',
      async () => {
        await page.goto(addresses.answered)
        await lastTurn(page).getByText('Verified playbook').waitFor()
        await lastTurn(page).locator('figure svg').first().waitFor()
        await lastTurn(page)
          .getByRole('button', { name: /^Answered/ })
          .click()
        await lastTurn(page).getByText('Looked into the files').click()
        await lastTurn(page).getByText('behind this answer').click()
      },
    ],
    [
      'evidence of a figure',
      async () => {
        await page.goto(addresses.answered)
        await lastTurn(page)
          .getByRole('button', { name: /where it comes from/ })
          .first()
          .click()
        await page.getByText('It is the cell').waitFor()
      },
    ],
    [
      'files',
      async () => {
        await page.goto(addresses.answered)
        await page.getByRole('button', { name: '1 file' }).click()
        await page.getByRole('heading', { name: 'First rows' }).waitFor()
      },
    ],
    [
      'settings',
      async () => {
        await page.goto(`${server.url}/settings`)
        await page.getByText('There are no tokens.').waitFor()
      },
    ],
    [
      'operations',
      async () => {
        await page.goto(`${server.url}/operations`)
        await page.getByText('Hand-overs in the last day').waitFor()
      },
    ],
    [
      'a thread that is not there',
      async () => {
        await page.goto(`${server.url}/threads/thr_01J000000000000000000000ZZ`)
        await page.getByText('There is no such conversation').waitFor()
      },
    ],
    [
      'signing in',
      async () => {
        await page.goto(`${server.url}/login`)
        await page.getByText('Open the sign-in link').waitFor()
      },
    ],
    [
      'nothing here',
      async () => {
        await page.goto(`${server.url}/nowhere`)
        await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
      },
    ],
  ]
  test.each(screens)('axe finds nothing: %s', async (_, go) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await go()
      expect([colorScheme, ...(await audit(page))]).toEqual([colorScheme])
    }
  })

  test('nothing is cut off on a phone, nor at 200 % zoom', async () => {
    // Zoomed to 200 %, a window of 1280 pixels is one of 640.
    for (const [width, height] of [
      [360, 740],
      [640, 430],
    ] as const) {
      await page.setViewportSize({ width, height })
      for (const path of [
        '/',
        new URL(addresses.answered).pathname,
        new URL(addresses.needsData).pathname,
        '/settings',
        '/operations',
      ]) {
        await page.goto(server.url + path)
        await page.getByRole('heading').first().waitFor()
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect([width, path, overflow]).toEqual([width, path, 0])
      }
      await page.getByRole('button', { name: 'Conversations and settings' }).click()
      await page
        .getByRole('dialog')
        .getByRole('link', { name: /Where does the money go/ })
        .first()
        .click()
      await lastTurn(page).getByRole('heading', { level: 2 }).waitFor()
      await page.getByRole('textbox', { name: 'Your question' }).waitFor()
    }
    await page.setViewportSize({ width: 1280, height: 860 })
  })

  test('who wants stillness gets it', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.goto(addresses.answered)
    // In seconds, of everything there is.
    const longest =
      await page.evaluate(`Math.max(...[...document.querySelectorAll('*')].flatMap((element) => {
      const { animationDuration, transitionDuration } = getComputedStyle(element)
      return [parseFloat(animationDuration), parseFloat(transitionDuration)]
    }))`)
    expect(longest).toBeLessThan(0.001)
  })

  test('the theme that is chosen stays, in every tab', async () => {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(`${server.url}/settings`)
    await page.getByRole('radio', { name: 'Dark' }).check()
    const ground = (on: Page) => on.evaluate('getComputedStyle(document.body).backgroundColor')
    await expect.poll(() => ground(page)).toBe('rgb(20, 23, 26)')
    const second = await visitor.newPage()
    await second.goto(server.url)
    await expect.poll(() => ground(second)).toBe('rgb(20, 23, 26)')
    await page.getByRole('radio', { name: 'As the system' }).check()
    await expect.poll(() => ground(second)).toBe('rgb(247, 247, 244)')
    await second.close()
    // A foreign and an unknown address answer 404: that is all there was to complain about.
    for (const complaint of visitor.complaints) expect(complaint).toMatch(/status of 404/)
  })
})
