/** Questions that wait for the one before them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ModelServer, openModelServer } from '../../server/src/models/testing/model-server.ts'
import { openaiWire } from '../../server/src/models/testing/wire-openai.ts'
import { hasChromium } from './browser.test-support.ts'
import { visit, visitTimeouts } from './visit.test-support.ts'

vi.setConfig(visitTimeouts)

describe.skipIf(!hasChromium)('the queue (needs /usr/bin/chromium)', () => {
  let model: ModelServer
  beforeAll(async () => {
    model = await openModelServer(openaiWire, 'sk-0123456789')
  })
  afterAll(async () => void (await model?.[Symbol.asyncDispose]()))
  const here = visit(() => ({
    env: {
      HOLDFAST_MODEL: 'openai:gpt-5',
      HOLDFAST_OPENAI_BASE_URL: model.baseUrl,
      HOLDFAST_OPENAI_API_KEY: model.key,
    },
  }))
  const { ask } = here

  test('the next question waits its turn; it can be taken back, and asked again', async () => {
    const { page } = here
    const turn = (at: number) => page.getByRole('article').nth(at)
    model.script(() => ({ kind: 'silence', pieces: ['So far'] }))
    await ask('The first?')
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    await ask('The second?')
    await turn(1).getByRole('button', { name: 'Take back' }).waitFor()
    await ask('The third?')
    await turn(2).getByRole('button', { name: 'Take back' }).click()
    await turn(2).getByText('Stopped by you').waitFor()
    // The one before it waits on, until its turn has come.
    await turn(1).getByRole('button', { name: 'Take back' }).waitFor()
    model.script(() => ({ kind: 'text', pieces: ['Here you are.'] }))
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await turn(1).getByText('Here you are.').waitFor()
    await turn(2).getByRole('button', { name: 'Ask again' }).click()
    await turn(3).getByText('Here you are.').waitFor()
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      'The first?',
      'The second?',
      'The third?',
      'The third?',
    ])
  })
})
