/** A call that a language model wants to make, and that the reader lets through: a real MCP server, a real browser. */
import { expect, test, vi } from 'vitest'
import { openModelServer } from '../../server/src/models/testing/model-server.ts'
import { openaiWire } from '../../server/src/models/testing/wire-openai.ts'
import { openToolServer } from '../../server/src/tools/mcp/testing/tool-server.ts'
import { buildPage } from '../bin/build-page.ts'
import { hasChromium, openBrowser, openVisitor } from './browser.test-support.ts'
import { openPageServer, signIn } from './server.test-support.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
const patienceMs = 90_000

test.skipIf(!hasChromium)(
  'the card shows the whole call, however long, and one click runs exactly that (needs /usr/bin/chromium)',
  async () => {
    await buildPage()
    await using tools = await openToolServer()
    await using model = await openModelServer(openaiWire, 'sk-0123456789')
    // The message about it is cut long before its end.
    const text = `${'Dear Ann. '.repeat(600)}<b>The end</b>`
    const call = { tool: 'mcp_post_send_mail', input: JSON.stringify({ to: 'ann@example.com', text }) }
    model.script(({ turns }) =>
      turns.at(-1)?.role === 'result'
        ? { kind: 'text', pieces: ['Sent.'] }
        : { kind: 'calls', calls: [call] },
    )
    await using server = await openPageServer({
      env: {
        HOLDFAST_ENV: 'test',
        HOLDFAST_MODEL: 'openai:gpt-5',
        HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
        HOLDFAST_OPENAI_API_KEY: model.key,
        HOLDFAST_MCP_SERVERS: JSON.stringify({ post: { url: tools.url, allowPrivate: true } }),
      },
    })
    await using browser = await openBrowser()
    await using visitor = await openVisitor(browser)
    const { page } = visitor
    page.setDefaultTimeout(patienceMs)
    await signIn(page, server)
    await page.getByRole('textbox', { name: 'Your question' }).fill('Write to Ann')
    await page.keyboard.press('Enter')
    const shown = page.getByRole('figure').filter({ hasText: 'What would be run: mcp_post_send_mail' })
    await shown.waitFor()
    expect(JSON.parse((await shown.locator('pre').textContent()) ?? '')).toEqual({
      to: 'ann@example.com',
      text,
    })
    expect(tools.sent).toEqual([])
    await page.getByRole('button', { name: 'Run it', exact: true }).click()
    await page.getByRole('article').last().getByText('Sent.').waitFor()
    expect(tools.sent).toEqual([`ann@example.com: ${text}`])
    expect(visitor.complaints).toEqual([])
  },
)
