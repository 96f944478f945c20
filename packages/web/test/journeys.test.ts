/**
 * What people do with the page, in a real Chromium on a real server over real sockets. After each journey no page may
 * have complained: no error in its console, none of its scripts, no violation of its policy.
 */
import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test, vi } from 'vitest'
import { hasChromium, openVisitor } from './browser.test-support.ts'
import { patienceMs, visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

const money = 'Where does the money go?'
/** Large enough that a run over it can be met in the middle. */
const manyRows = 120_000
const mostBytes = 20 * 1024 * 1024

describe.skipIf(!hasChromium)('journeys (needs /usr/bin/chromium)', () => {
  const here = visit(() => ({ env: { HOLDFAST_MAX_FILE_BYTES: String(mostBytes) } }))
  const { addFile, ask, csv, file, lastTurn, tolerate } = here
  const listedFile = (page: Page): Promise<void> =>
    page
      .getByText(/csv, \d/)
      .first()
      .waitFor()

  test('a sign-in link works once, and says so afterwards', async () => {
    const { server, browser } = here
    const used = server.link()
    await using other = await openVisitor(browser)
    await other.page.goto(used)
    await other.page.getByText('This link was used already').waitFor()
    // The server said no, which is what a browser calls an error.
    expect(other.complaints.every((text) => text.includes('401'))).toBe(true)
  })

  test('asked without data: a request card, an upload, an answer with figures, chart and table', async () => {
    const { page } = here
    await ask(money)
    await page.getByRole('heading', { name: /missing for an answer/ }).waitFor()
    expect(await page.getByText('Where to get it').count()).toBeGreaterThan(0)
    const template = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Template' }).click()
    expect(await readFile(await (await template).path(), 'utf8')).toMatch(/^[a-z_]+(,[a-z_]+)*\r\n/)
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Add the file' }).click()
    await (await chooser).setFiles(await csv('usage.csv', 2_000))
    // Items are ticked off before anything is asked again.
    await page.getByRole('heading', { name: 'Everything that was missing is here' }).waitFor()
    await page.getByRole('button', { name: 'Go on with 1 file' }).click()
    await lastTurn().getByText('Verified playbook').waitFor()

    const figure = lastTurn()
      .getByRole('button', { name: /where it comes from/ })
      .first()
    await figure.click()
    const evidence = page.getByRole('dialog', { name: 'Where this figure comes from' })
    await evidence.getByText(/It is the cell/).waitFor()
    expect(await evidence.locator('pre').textContent()).toMatch(/select/i)
    await page.keyboard.press('Escape')
    await evidence.waitFor({ state: 'hidden' })
    // The dialog gives the focus back to where it was.
    expect(await figure.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true)

    await lastTurn().locator('figure svg').first().waitFor()
    expect(
      await lastTurn()
        .getByRole('region', { name: /^Rows of/ })
        .count(),
    ).toBeGreaterThan(0)
    const download = page.waitForEvent('download')
    await lastTurn()
      .getByRole('link', { name: /^Save the rows of/ })
      .first()
      .click()
    expect((await download).suggestedFilename()).toMatch(/\.csv$/)
    const handedOn = page.waitForEvent('download')
    await lastTurn().getByRole('link', { name: 'HTML' }).click()
    const report = await handedOn
    expect(report.suggestedFilename()).toMatch(/\.html$/)
    expect(await readFile(await report.path(), 'utf8')).toMatch(
      /^<!doctype html>[\s\S]*data:image\/svg\+xml/i,
    )
    const picture = page.waitForEvent('download')
    await lastTurn()
      .getByRole('button', { name: /as PNG$/ })
      .first()
      .click()
    expect((await picture).suggestedFilename()).toMatch(/\.png$/)
    await lastTurn().getByRole('button', { name: 'Copy' }).click()
    await page.getByText('The answer is copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('```sql')
  })

  test('a first visit: one click answers on the sample, and the reader sees how', async () => {
    const { page } = here
    await page.getByRole('button', { name: /Why is it slow/ }).click()
    await lastTurn().getByText('Verified playbook').waitFor()
    await lastTurn()
      .getByRole('button', { name: /^Answered/ })
      .click()
    await lastTurn().getByText('Checked whether the data is enough').click()
    expect(await lastTurn().locator('pre').first().textContent()).toContain('sufficient')
  })

  test('two tabs are in step: what is asked, renamed and deleted in one is so in the other', async () => {
    const { page, server } = here
    const second = await here.newPage()
    await second.goto(server.url)
    await ask('Two tabs of one mind?')
    await second.getByRole('link', { name: /Two tabs of one mind/ }).click()
    await lastTurn(second).getByRole('heading', { name: 'Two tabs of one mind?' }).waitFor()
    await page.getByRole('link', { name: /Two tabs.*Needs data/ }).waitFor()
    await ask('And a second one?', second)
    await lastTurn().getByRole('heading', { name: 'And a second one?' }).waitFor()

    await page.getByRole('link', { name: /Two tabs/ }).hover()
    await page.getByRole('button', { name: /^More for Two tabs/ }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await page.getByRole('textbox', { name: 'Title' }).fill('Of one mind')
    await page.keyboard.press('Enter')
    await second.getByRole('link', { name: /Of one mind/ }).waitFor()

    await page.getByRole('link', { name: /Of one mind/ }).hover()
    await page.getByRole('button', { name: /^More for Of one mind/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('link', { name: /Of one mind/ }).waitFor()
    await page.getByRole('button', { name: /^More for Of one mind/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    // The other tab has it open, and is told when it is gone for good.
    await second.getByRole('heading', { name: 'There is no such conversation' }).waitFor()
    await second.close()
  })

  test('search looks into titles and questions', async () => {
    const { page } = here
    await page.getByRole('searchbox').fill('why is it SLOW')
    await page.getByRole('link', { name: /Why is it slow/ }).waitFor()
    await page.getByRole('searchbox').fill('nothing that was ever asked')
    await page.getByText('Nothing holds').waitFor()
  })

  test('stop ends a run in its middle, and it can be asked again', async () => {
    const { page } = here
    await addFile(await csv('many.csv', manyRows))
    await listedFile(page)
    await ask(money)
    await lastTurn().getByText('Looking into the files').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await lastTurn().getByText('Stopped by you').waitFor()
    await lastTurn().getByRole('button', { name: 'Ask again' }).click()
    // The same question once more, with its file; what was stopped stays.
    await expect.poll(() => page.getByRole('article').count()).toBe(2)
    await lastTurn().getByText('Verified playbook').waitFor()
    expect(await page.getByRole('article').first().getByText('Stopped by you').count()).toBe(1)
  })

  test('a reload in the middle of a run goes on where it was; a server that is killed is taken over, nothing twice', async () => {
    const { page, server } = here
    await addFile(await csv('again.csv', manyRows))
    await listedFile(page)
    await ask('Where does all the money go?')
    await lastTurn().getByText('Looking into the files').waitFor()
    await page.reload()
    await lastTurn().getByText('Looking into the files').waitFor()
    expect(await page.getByRole('article').count()).toBe(1)

    await server.kill()
    await page
      .getByTestId('connection')
      .getByText(/Reconnecting/)
      .waitFor()
    // What was there can be read all the while.
    expect(await lastTurn().getByRole('heading').textContent()).toContain('all the money')
    await server.restart()
    await lastTurn()
      .getByText(/was taken up where it had come to \(attempt 2\)/)
      .waitFor()
    await lastTurn().getByText('Verified playbook').waitFor()
    await page.getByTestId('connection').getByText('Live').waitFor()
    expect(await page.getByRole('article').count()).toBe(1)
    await lastTurn()
      .getByRole('button', { name: /^Answered/ })
      .click()
    const steps = await lastTurn().locator('ol > li code').allTextContents()
    expect(steps).toEqual([...new Set(steps)])
    // While nobody answered, or one that was not ready yet, the browser said so; that is no fault of the page.
    tolerate(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|\b503\b/)
  })

  test('offline for a while and back: reading goes on, and what was asked elsewhere meanwhile comes, once', async () => {
    const { page, visitor } = here
    await ask('Offline, and then?')
    await lastTurn().getByText('Needs data').waitFor()
    // In a browser of its own: it is not offline.
    await using other = await here.openOther()
    await other.page.goto(page.url())
    await lastTurn(other.page).getByText('Needs data').waitFor()
    await visitor.context.setOffline(true)
    await page
      .getByTestId('connection')
      .getByText(/Offline|Reconnecting|Connecting/)
      .waitFor()
    expect(await lastTurn().getByRole('heading', { level: 2 }).textContent()).toBe('Offline, and then?')
    await ask('Asked meanwhile?', other.page)
    await lastTurn(other.page).getByRole('heading', { name: 'Asked meanwhile?' }).waitFor()
    await lastTurn(other.page).getByText('Needs data').waitFor()
    await visitor.context.setOffline(false)
    await page.getByTestId('connection').getByText('Live').waitFor()
    await lastTurn().getByRole('heading', { name: 'Asked meanwhile?' }).waitFor()
    await lastTurn().getByText('Needs data').waitFor()
    expect(await page.getByRole('article').count()).toBe(2)
    tolerate(/ERR_INTERNET_DISCONNECTED/)
  })

  test('a tab that is opened as the server goes waits, and is there when the server is', async () => {
    const { page } = here
    await ask('Is anybody there?')
    await lastTurn().getByText('Needs data').waitFor()
    await page.route('**/v1/**', (route) => route.abort('connectionrefused'))
    await page.reload()
    await page.getByText('The server cannot be reached').waitFor()
    await page.unroute('**/v1/**')
    await lastTurn().getByRole('heading', { name: 'Is anybody there?' }).waitFor()
    await page.getByRole('link', { name: /Is anybody there/ }).waitFor()
    tolerate(/ERR_CONNECTION_REFUSED/)
  })

  test('an answer that cannot be drawn leaves the page and its other answers', async () => {
    const { page, server } = here
    await ask('Broken on purpose?')
    await lastTurn().getByText('Needs data').waitFor()
    const broken = page.url()
    await page.goto(server.url)
    // Whoever draws an answer looks for its report so.
    await page.evaluate('Array.prototype.findLast = () => { throw new Error("broken on purpose") }')
    await page.getByRole('link', { name: /Broken on purpose/ }).click()
    await page.getByText('This answer cannot be shown here').waitFor()
    await page.getByRole('textbox', { name: 'Your question' }).waitFor()
    await page.goto(broken)
    await lastTurn().getByText('Needs data').waitFor()
    tolerate(/broken on purpose/)
  })

  test('an upload says how far it is, and can be cancelled', async () => {
    const { page } = here
    // Held back, so that it can be met on its way.
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await page.route('**/v1/threads/*/files*', async (route) => {
      await released
      await route.continue().catch(() => {})
    })
    await addFile(await csv('slow.csv', 2_000))
    await page.getByRole('progressbar', { name: 'Upload of slow.csv' }).waitFor()
    await page.getByRole('button', { name: 'Cancel the upload of slow.csv' }).click()
    await expect.poll(() => page.getByRole('progressbar').count()).toBe(0)
    release()
    await page.unroute('**/v1/threads/*/files*')
    await ask('Was anything added?')
    await lastTurn().getByText('Needs data').waitFor()
    expect(await lastTurn().getByRole('list', { name: 'Files of this question' }).count()).toBe(0)
  })

  test('a question with choices is buttons, and one click answers it', async () => {
    const { page } = here
    // Seconds or milliseconds? Nothing in the file decides it.
    const rows = Array.from({ length: 300 }, (_, n) => {
      const at = new Date(Date.UTC(2026, 9, 1) + n * 61_000).toISOString()
      return `${at},gpt-5,${3_000 + ((n * 37) % 900)}`
    })
    await addFile(await file('undecided.csv', `time,model,duration\n${rows.join('\n')}\n`))
    await listedFile(page)
    await ask('Why is it slow, what is our p95?')
    const card = lastTurn().getByRole('region', { name: /^In which unit/ })
    await card.waitFor()
    const choices = card.getByRole('button')
    expect(await choices.count()).toBeGreaterThan(1)
    await choices.first().click()
    await lastTurn().getByText('Verified playbook').waitFor()
  })

  test('a file that is too large, and one that is no data, are refused with what to do', async () => {
    const { page } = here
    tolerate(/status of (413|415|422)/)
    const refused = page.waitForResponse((response) => response.status() === 413)
    await addFile(await file('large.csv', Buffer.alloc(mostBytes + 1, 'a,b\n1,2\n')))
    const row = (name: string) => page.getByRole('listitem').filter({ hasText: name }).last()
    await row('large.csv')
      .getByText(/20 MiB|limit|large/i)
      .last()
      .waitFor()
    await (await refused).finished()
    await addFile(await file('notes.pdf', '%PDF-1.7 notes'))
    await row('notes.pdf').getByText(/CSV/).waitFor()
    await page.getByRole('button', { name: /^Take notes\.pdf away/ }).click()
    await expect.poll(() => page.getByRole('listitem').filter({ hasText: 'notes.pdf' }).count()).toBe(0)
  })

  test('a broken file is named, with why, and the run ends as failed', async () => {
    const { page } = here
    await addFile(await file('broken.json', '{"a": 1, "b": ['))
    await page
      .getByText(/json, \d/)
      .first()
      .waitFor()
    await ask(money)
    await lastTurn()
      .getByText(/^broken\.json/)
      .last()
      .waitFor()
    await lastTurn().getByText('Failed', { exact: true }).waitFor()
  })

  test('an address of nobody’s thread says no more than that there is none', async () => {
    const { page, server } = here
    await page.goto(`${server.url}/threads/thr_01J000000000000000000000ZZ`)
    await page.getByRole('heading', { name: 'There is no such conversation' }).waitFor()
    tolerate(/status of 404/)
  })

  test('by the keyboard alone: skip, ask, open a step, look behind a figure, go to the settings', async () => {
    const { page } = here
    await addFile(await csv('keys.csv', 500))
    await listedFile(page)
    // Past the list of conversations, which may be long.
    await tabTo(page, page.getByRole('link', { name: /^Skip/ }))
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.closest("main") !== null')).toBe(true)
    await tabTo(page, page.getByRole('textbox', { name: 'Your question' }))
    await page.keyboard.type(money)
    await page.keyboard.press('Enter')
    await lastTurn().getByText('Verified playbook').waitFor()

    await tabTo(page, lastTurn().getByRole('button', { name: /^Answered/ }))
    await page.keyboard.press('Enter')
    await lastTurn().getByText('Checked whether the data is enough').waitFor()
    const figure = lastTurn()
      .getByRole('button', { name: /where it comes from/ })
      .first()
    await tabTo(page, figure)
    await page.keyboard.press('Enter')
    const evidence = page.getByRole('dialog', { name: 'Where this figure comes from' })
    await evidence.waitFor()
    await page.keyboard.press('Escape')
    await evidence.waitFor({ state: 'hidden' })
    expect(await isFocused(figure)).toBe(true)
    await tabTo(page, page.getByRole('link', { name: 'Settings' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
  })

  test('a screen reader hears what is missing and how it ended, though both come at once', async () => {
    const { page } = here
    await ask('What is our p95 latency?')
    const said = page.getByRole('log', { name: 'What happened' })
    await expect.poll(() => said.textContent(), { timeout: patienceMs }).toContain('Needs data.')
    expect(await said.getByRole('paragraph').allTextContents()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Missing for an answer: /),
        expect.stringMatching(/^Needs data\. /),
      ]),
    )
  })
})

const isFocused = (one: Locator): Promise<boolean> =>
  one.evaluate((element) => element === element.ownerDocument.activeElement)
/** More than a page with one answer has; then it begins anew. */
const mostTabs = 150

/** With nothing but the key: what it does not reach, nobody without a mouse does. */
async function tabTo(page: Page, one: Locator): Promise<void> {
  for (let pressed = 0; pressed < mostTabs; pressed += 1) {
    if (await isFocused(one)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${String(one)} was not reached by ${mostTabs} times Tab`)
}
