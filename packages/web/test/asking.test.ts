/** Asking, in the odd moments: before the thread is there, after a file, while another run is under way. */
import type { Page } from 'playwright-core'
import { describe, expect, test, vi } from 'vitest'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

/** Large enough that a run over it can be met in the middle. */
const manyRows = 120_000

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

  test('the next question waits its turn, can be taken back, and asked again', async () => {
    const { page } = here
    await here.addFile(await here.csv('queue.csv', manyRows))
    await page
      .getByText(/csv, \d/)
      .first()
      .waitFor()
    await ask('Where does the money go?')
    await lastTurn().getByText('Looking into the files').waitFor()
    await ask('And the next one?')
    await lastTurn().getByRole('heading', { name: 'And the next one?' }).waitFor()
    await lastTurn().getByRole('button', { name: 'Take back' }).click()
    await lastTurn().getByText('Stopped by you').waitFor()
    // The one before it went on.
    const first = page.getByRole('article').first()
    await first.getByText('Verified playbook').waitFor()
    expect(await page.getByRole('article').count()).toBe(2)
    await lastTurn().getByRole('button', { name: 'Ask again' }).click()
    await expect.poll(() => page.getByRole('article').count(), { timeout: 60_000 }).toBe(3)
    await lastTurn().getByRole('heading', { name: 'And the next one?' }).waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'hidden' })
  })
})
