/** The list of conversations, and what happens to it while it is on its way. */
import type { Page } from 'playwright-core'
import { describe, expect, test, vi } from 'vitest'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

const make = (title: string, on: Page): Promise<unknown> =>
  on.evaluate(`fetch('/v1/threads', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: ${JSON.stringify(title)} }),
  })`)

describe.skipIf(!hasChromium)('the list of conversations (needs /usr/bin/chromium)', () => {
  const here = visit()
  const listed = (name: string, on: Page) => on.getByRole('link', { name: new RegExp(name) })

  test('what happens after it was read and before it is followed is in it', async () => {
    const page = await here.newPage()
    const { promise: connected, resolve: connect } = Promise.withResolvers<void>()
    await page.routeWebSocket(/\/v1\/ws$/, async (socket) => {
      await connected
      socket.connectToServer()
    })
    await page.goto(here.server.url)
    await page.getByText('Your conversations will stand here').waitFor()
    await make('While it connects', here.page)
    connect()
    await listed('While it connects', page).waitFor()
    await page.close()
  })

  test('what happens while it is read is not undone by what was read', async () => {
    const page = await here.newPage()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let read = 0
    await page.route('**/v1/threads', async (route) => {
      const response = await route.fetch()
      read += 1
      await released
      await route.fulfill({ response })
    })
    await page.goto(here.server.url)
    // Once at once, and once more since it is followed.
    await expect.poll(() => read, { timeout: 60_000 }).toBe(2)
    await make('While it is read', here.page)
    await listed('While it is read', page).waitFor()
    release()
    await listed('While it connects', page).waitFor()
    expect(await listed('While it is read', page).count()).toBe(1)
    await page.close()
  })

  test('a search is not mixed with older conversations that come late', async () => {
    const page = await here.newPage()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    // As if there were more than a page of them.
    await page.route('**/v1/threads', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), next: 'older' } })
    })
    await page.route('**/v1/threads?cursor=*', async (route) => {
      const response = await route.fetch({ url: `${here.server.url}/v1/threads` })
      await released
      await route.fulfill({ response })
    })
    await page.goto(here.server.url)
    await page.getByRole('button', { name: 'Older conversations' }).click()
    await page.getByRole('searchbox').fill('nothing of that name')
    await page.getByText('Nothing holds').waitFor()
    const late = page.waitForResponse((response) => response.url().includes('cursor='))
    release()
    await (await late).finished()
    // Whatever the page makes of it is drawn before its next question is answered.
    await make('Elsewhere', page)
    expect(await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').count()).toBe(0)
    await page.close()
  })

  test('without WebSockets it is read now and then, and followed once one can be opened', async () => {
    const page = await here.newPage()
    let isBlocked = true
    await page.routeWebSocket(/\/v1\/ws$/, async (socket) => {
      if (isBlocked) await socket.close({ code: 1011 })
      else socket.connectToServer()
    })
    await make('Before', here.page)
    // As if there were more than a page of them.
    await page.route('**/v1/threads', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), next: 'older' } })
    })
    await page.route('**/v1/threads?cursor=*', async (route) => {
      const response = await route.fetch({ url: `${here.server.url}/v1/threads` })
      const [first] = (await response.json()).items
      const older = { ...first, id: `thr_${'0'.repeat(26)}`, title: 'From long ago' }
      await route.fulfill({ response, json: { items: [older], next: null } })
    })
    await page.goto(here.server.url)
    await page.getByRole('button', { name: 'Older conversations' }).click()
    await listed('From long ago', page).waitFor()
    await make('Without a WebSocket', here.page)
    // As time does, and sooner.
    const goOn = (): Promise<unknown> => page.evaluate(`dispatchEvent(new Event('online'))`)
    const isListed = async (): Promise<number> => {
      await goOn()
      return listed('Without a WebSocket', page).count()
    }
    await expect.poll(isListed, { timeout: 60_000 }).toBe(1)
    expect(await listed('From long ago', page).count()).toBe(1)
    isBlocked = false
    const stands = async (): Promise<string | null> => {
      await goOn()
      return page.getByTestId('connection').textContent()
    }
    await expect.poll(stands, { timeout: 60_000 }).toBe('Live')
    await make('With one again', here.page)
    await listed('With one again', page).waitFor()
    await page.close()
  })
})
