/** Files: dropped, refused, handed on, deleted. */
import { readFile } from 'node:fs/promises'
import type { Locator } from 'playwright-core'
import { describe, expect, test, vi } from 'vitest'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

describe.skipIf(!hasChromium)('files (needs /usr/bin/chromium)', () => {
  const here = visit()
  const { ask, lastTurn } = here

  /** As a hand does it, through the browser's own handling: it opens a file that nothing takes. */
  const drop = async (path: string, on: Locator): Promise<void> => {
    const box = await on.boundingBox()
    if (box === null) throw new Error('There is nothing to drop it on')
    const session = await here.visitor.context.newCDPSession(here.page)
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', {
        type,
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        data: { items: [], files: [path], dragOperationsMask: 1 },
      })
    await session.detach()
  }
  const sidebar = () => here.page.getByRole('complementary', { name: 'Conversations and settings' })

  test('a file may be dropped anywhere: beside the question, and on the list of conversations', async () => {
    const { page } = here
    await drop(await here.csv('first.csv', 50), page.getByRole('heading', { level: 1 }))
    await page.getByRole('heading', { level: 1, name: 'first.csv' }).waitFor()
    await drop(await here.csv('second.csv', 60), sidebar())
    const added = page.getByRole('list', { name: 'Files to go with your question' })
    await added.getByText('first.csv').waitFor()
    await added.getByText('second.csv').waitFor()
    await page.getByRole('button', { name: '2 files' }).waitFor()
    expect(await page.getByText('Let go to add').count()).toBe(0)
  })

  test('where nothing takes a file, dropping one does nothing', async () => {
    const { page } = here
    await page.goto(`${here.server.url}/settings`)
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    await drop(await here.csv('stray.csv', 50), sidebar())
    await drop(await here.csv('stray.csv', 50), page.getByRole('heading', { level: 1 }))
    await page.getByRole('radio', { name: 'As the system' }).waitFor()
    expect(page.url()).toBe(`${here.server.url}/settings`)
    expect(here.visitor.context.pages()).toHaveLength(1)
  })

  test('a question in one conversation leaves what another one was refused', async () => {
    const { page } = here
    here.tolerate(/status of (415|422)/)
    await here.addFile(await here.file('notes.pdf', '%PDF-1.7 notes'))
    const refused = page.getByRole('listitem').filter({ hasText: 'notes.pdf' }).getByText(/CSV/)
    await refused.waitFor()
    const path = new URL(page.url()).pathname
    await page.getByRole('button', { name: 'New question' }).click()
    await ask('Of another matter?')
    await lastTurn().getByText('Needs data').waitFor()
    await page.locator(`a[href="${path}"]`).click()
    await page.getByRole('heading', { level: 1, name: 'notes.pdf' }).waitFor()
    await refused.waitFor()
  })

  test('an answer is handed on as Markdown, a chart as SVG; a file that is deleted leaves what it said', async () => {
    const { page } = here
    await page.getByRole('button', { name: /Cost by model/ }).click()
    await lastTurn().getByText('Verified playbook').waitFor()
    const markdown = page.waitForEvent('download')
    await lastTurn().getByRole('link', { name: 'Markdown' }).click()
    const report = await markdown
    expect(report.suggestedFilename()).toMatch(/\.md$/)
    expect(await readFile(await report.path(), 'utf8')).toContain('```sql')
    const picture = page.waitForEvent('download')
    await lastTurn()
      .getByRole('button', { name: /as SVG$/ })
      .first()
      .click()
    const svg = await picture
    expect(svg.suggestedFilename()).toMatch(/\.svg$/)
    expect(await readFile(await svg.path(), 'utf8')).toMatch(/^<svg[\s\S]*<\/svg>\s*$/)

    await page.getByRole('button', { name: '1 file' }).click()
    const panel = page.getByRole('dialog', { name: 'Files of this conversation' })
    await panel.getByRole('heading', { name: 'First rows' }).waitFor()
    await panel.getByRole('button', { name: /^Delete / }).click()
    await panel.getByText('There are none yet').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Files', exact: true }).waitFor()
    await page.reload()
    await lastTurn().getByText('Verified playbook').waitFor()
    await lastTurn().getByText('a file that was deleted').waitFor()
  })
})
