/** Asking, in the odd moments: before the thread is there, after a file. */
import type { Page } from 'playwright-core'
import { describe, expect, test, vi } from 'vitest'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

describe.skipIf(!hasChromium)('asking (needs /usr/bin/chromium)', () => {
  const here = visit()
  const { ask, lastTurn } = here
  const question = (on: Page) => on.getByRole('textbox', { name: 'Your question' })

  const holds: readonly (readonly [what: string, hold: (on: Page, until: Promise<void>) => Promise<void>])[] =
    [
      [
        'its state',
        async (on, until) => {
          await on.route('**/v1/threads/*/state', async (route) => {
            await until
            await route.continue()
          })
        },
      ],
      [
        'its events',
        (on, until) =>
          on.routeWebSocket(/\/v1\/ws$/, async (socket) => {
            await until
            socket.connectToServer()
          }),
      ],
    ]
  test.each(holds)('a question before %s has come leaves the title as it is', async (what, hold) => {
    const title = `What was asked first, before ${what}?`
    await ask(title)
    await lastTurn().getByText('Needs data').waitFor()
    const page = await here.newPage()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await hold(page, released)
    await page.goto(here.page.url())
    const asked = page.waitForResponse((response) => response.url().endsWith('/runs'))
    await ask('And something else?', page)
    await asked
    release()
    await lastTurn(page).getByRole('heading', { name: 'And something else?' }).waitFor()
    await lastTurn(page).getByText('Needs data').waitFor()
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(title)
    await page.close()
  })

  test('what was written at home goes along when a file is added, and names the conversation', async () => {
    const { page } = here
    await question(page).fill('Written before the file?')
    await here.addFile(await here.csv('before.csv', 100))
    await page.getByRole('heading', { level: 1, name: 'before.csv' }).waitFor()
    expect(await question(page).inputValue()).toBe('Written before the file?')
    await page
      .getByText(/csv, \d/)
      .first()
      .waitFor()
    await question(page).press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Written before the file?' }).waitFor()
    await page.getByRole('button', { name: 'New question' }).click()
    expect(await question(page).inputValue()).toBe('')
  })

  test('a conversation that the server cannot give now says so, and opens by itself', async () => {
    const { page } = here
    await ask('Is it there yet?')
    await lastTurn().getByText('Needs data').waitFor()
    here.tolerate(/status of 503/)
    await page.route('**/v1/threads/*/state', (route) => route.fulfill({ status: 503, json: {} }))
    await page.reload()
    await page.getByText('This page tries by itself').waitFor()
    await page.unroute('**/v1/threads/*/state')
    await lastTurn().getByText('Needs data').waitFor()
    expect(await page.getByText('This page tries by itself').count()).toBe(0)
  })
})
