/** The settings, each by what it changes. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ModelServer, openModelServer } from '../../server/src/models/testing/model-server.ts'
import { openaiWire } from '../../server/src/models/testing/wire-openai.ts'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

describe.skipIf(!hasChromium)('settings (needs /usr/bin/chromium)', () => {
  let model: ModelServer
  beforeAll(async () => {
    model = await openModelServer(openaiWire, 'sk-0123456789')
  })
  afterAll(async () => void (await model?.[Symbol.asyncDispose]()))
  const here = visit(() => ({
    env: {
      HOLDFAST_MODEL: 'openai:gpt-5,openai:gpt-5-mini',
      HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
      HOLDFAST_OPENAI_API_KEY: model.key,
    },
  }))
  const { ask, lastTurn } = here
  const openSettings = async (): Promise<void> => {
    await here.page.goto(`${here.server.url}/settings`)
    await here.page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
  }
  const status = async (token: string, method: 'GET' | 'POST'): Promise<number> => {
    const response = await fetch(`${here.server.url}/v1/threads`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    })
    await response.arrayBuffer()
    return response.status
  }

  test('a token is shown once, does what it may, and nothing after it is revoked', async () => {
    const { page } = here
    await openSettings()
    await page.getByText('There are no tokens.').waitFor()
    const made: string[] = []
    for (const [name, writes] of [
      ['laptop', true],
      ['dashboard', false],
    ] as const) {
      await page.getByRole('textbox', { name: 'What it is for' }).fill(name)
      await page.getByRole('checkbox', { name: 'May ask, not only read' }).setChecked(writes)
      await page.getByRole('button', { name: 'Make a token' }).click()
      await page.getByRole('button', { name: `Revoke ${name}` }).waitFor()
      made.push((await page.getByText(/^hf_pat_/).textContent()) ?? '')
    }
    const [laptop = '', dashboard = ''] = made
    await page.getByRole('status').getByRole('button', { name: 'Copy' }).click()
    await page.getByText('The token is copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(dashboard)
    expect([await status(laptop, 'POST'), await status(dashboard, 'GET')]).toEqual([201, 200])
    expect(await status(dashboard, 'POST')).toBe(403)
    await openSettings()
    await page.getByText(/Reads · good until .* · used just now/).waitFor()
    expect(await page.getByText(/hf_pat_/).count()).toBe(0)
    await page.getByRole('button', { name: 'Revoke laptop' }).click()
    await page.getByText('“laptop” is revoked').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Revoke laptop' }).count()).toBe(0)
    expect([await status(laptop, 'GET'), await status(dashboard, 'GET')]).toEqual([401, 200])
  })

  test('times are shown in the zone that is chosen, in every tab, and stay so', async () => {
    const { page } = here
    await openSettings()
    const second = await here.newPage()
    await second.goto(page.url())
    await page.getByText(/good until .* UTC/).waitFor()
    await page.getByRole('combobox', { name: 'Time zone' }).selectOption('Asia/Tokyo')
    await page.getByText(/good until .* GMT\+9/).waitFor()
    await second.getByText(/good until .* GMT\+9/).waitFor()
    await second.close()
    await page.reload()
    await page.getByText(/good until .* GMT\+9/).waitFor()
  })

  test('the next question goes to the model that is chosen', async () => {
    const { page } = here
    await ask('Who answers?')
    await lastTurn().getByText('Hello.').waitFor()
    await openSettings()
    await page.getByRole('combobox', { name: 'Model' }).selectOption('openai:gpt-5-mini')
    await page.getByText('Asked next: openai:gpt-5-mini').waitFor()
    await page.getByRole('button', { name: 'New question' }).click()
    await ask('And who answers now?')
    await lastTurn().getByText('Hello.').waitFor()
    expect(new Set(model.asked.map((asked) => asked.model))).toEqual(new Set(['gpt-5', 'gpt-5-mini']))
    expect(model.asked.at(-1)?.model).toBe('gpt-5-mini')
  })

  test('everything that is kept can be had as one file', async () => {
    const { page } = here
    await openSettings()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Export my data' }).click()
    const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\n')
    for (const line of lines) JSON.parse(line)
    expect(lines.join('\n')).toContain('And who answers now?')
  })
})
