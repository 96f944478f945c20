/** axe-core on what is there for a moment only: runs under way and failed, cards, menus, dialogs. On a test server. */
import { afterAll, beforeAll, describe, test, vi } from 'vitest'
import { type ModelServer, openModelServer } from '../../server/src/models/testing/model-server.ts'
import type { Reply } from '../../server/src/models/testing/wire.ts'
import { openaiWire } from '../../server/src/models/testing/wire-openai.ts'
import { openToolServer, type TestToolServer } from '../../server/src/tools/mcp/testing/tool-server.ts'
import { expectNothingFound } from './axe.test-support.ts'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

describe.skipIf(!hasChromium)('for everybody, at every moment (needs /usr/bin/chromium)', () => {
  let tools: TestToolServer
  let model: ModelServer
  beforeAll(async () => {
    tools = await openToolServer()
    model = await openModelServer(openaiWire, 'sk-0123456789')
  })
  afterAll(async () => {
    await model?.[Symbol.asyncDispose]()
    await tools?.[Symbol.asyncDispose]()
  })
  const here = visit(() => ({
    env: {
      HOLDFAST_ENV: 'test',
      HOLDFAST_MODEL: 'openai:gpt-5',
      HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
      HOLDFAST_OPENAI_API_KEY: model.key,
      HOLDFAST_MCP_SERVERS: JSON.stringify({ post: { url: tools.url, allowPrivate: true } }),
    },
  }))
  const { ask, lastTurn } = here
  const answer = (reply: Reply): void => model.script(() => reply)

  test('a run under way, and one that waits for it', async () => {
    answer({ kind: 'silence', pieces: ['So far'] })
    await ask('Is it running?')
    await here.page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    await ask('And the next?')
    await lastTurn().getByRole('button', { name: 'Take back' }).waitFor()
    await expectNothingFound(here.page)
    await lastTurn().getByRole('button', { name: 'Take back' }).click()
    await here.page.getByRole('button', { name: 'Stop' }).click()
    await here.page.getByRole('article').first().getByText('Stopped by you').waitFor()
  })

  test('a run that failed', async () => {
    answer({ kind: 'status', status: 400, message: 'Nothing of the kind' })
    await ask('Does it fail?')
    await lastTurn().getByRole('button', { name: 'Ask again' }).waitFor()
    await expectNothingFound(here.page)
  })

  test('a call to be let through, and its choices', async () => {
    const input = JSON.stringify({ to: 'ann@example.com', text: 'Dear Ann.' })
    answer({ kind: 'calls', calls: [{ tool: 'mcp_post_send_mail', input }] })
    await ask('Write to Ann')
    await lastTurn().getByRole('button', { name: 'Run it', exact: true }).waitFor()
    await expectNothingFound(here.page)
  })

  test('a file on its way, one that is there, one that was refused', async () => {
    const { page } = here
    here.tolerate(/status of (415|422)/)
    await here.addFile(await here.csv('there.csv', 50))
    await page
      .getByText(/csv, \d/)
      .first()
      .waitFor()
    await here.addFile(await here.file('notes.pdf', '%PDF-1.7 notes'))
    await page.getByRole('button', { name: /^Take notes\.pdf away/ }).waitFor()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await page.route('**/v1/threads/*/files*', async (route) => {
      await released
      await route.continue().catch(() => {})
    })
    await here.addFile(await here.csv('slow.csv', 50))
    await page.getByRole('progressbar', { name: 'Upload of slow.csv' }).waitFor()
    await expectNothingFound(page)
    await page.getByRole('button', { name: 'Cancel the upload of slow.csv' }).click()
    release()
    await page.unroute('**/v1/threads/*/files*')
  })

  test('the menu of a conversation, and its dialog for another name', async () => {
    const { page } = here
    const first = page.getByRole('navigation', { name: 'Conversations' }).getByRole('listitem').first()
    await first.hover()
    await first.getByRole('button', { name: /^More for / }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).waitFor()
    await expectNothingFound(page)
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await page.getByRole('dialog', { name: 'Rename the conversation' }).waitFor()
    await expectNothingFound(page)
    await page.keyboard.press('Escape')
  })

  test('the drawer on a phone, and the banner of a test server', async () => {
    const { page } = here
    await page.setViewportSize({ width: 360, height: 740 })
    await page.getByRole('note', { name: 'About this server' }).getByText('Test server').waitFor()
    await page.getByRole('button', { name: 'Conversations and settings' }).click()
    await page.getByRole('dialog', { name: 'Holdfast' }).getByRole('link').first().waitFor()
    await expectNothingFound(page)
  })
})
