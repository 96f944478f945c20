/** The example of docs/e2e-simulation.md, as it stands there: personas sign in without a provider, and a page shows it. */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { newSimulationKey } from '@holdfast/protocol/e2e'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../server/src/store/testing/free-port.ts'
import { buildPage } from '../bin/build-page.ts'
import { hasChromium, openBrowser, openVisitor } from './browser.test-support.ts'
import { openPageServer, type PageServer } from './server.test-support.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
const patienceMs = 90_000

interface Example {
  signIn(context: BrowserContext, persona: string): Promise<void>
  cleanUp(): Promise<unknown>
}

let browser: Browser
let server: PageServer
let directory: string
let example: Example

describe.skipIf(!hasChromium)('personas (needs /usr/bin/chromium)', () => {
  beforeAll(async () => {
    await buildPage()
    const port = await freePort()
    const key = newSimulationKey()
    server = await openPageServer({
      port,
      env: {
        HOLDFAST_ENV: 'test',
        E2E_SIMULATION_ENABLED: 'true',
        E2E_SIMULATION_HOST: `127.0.0.1:${port}`,
        E2E_OAUTH_SIMULATION_KEY: key,
      },
    })
    const page = await readFile(new URL('../../../docs/e2e-simulation.md', import.meta.url), 'utf8')
    const code = /## With Playwright[\s\S]*?```ts\n([\s\S]*?)```/.exec(page)?.[1]
    if (code === undefined) throw new Error('docs/e2e-simulation.md has no example for Playwright')
    directory = await mkdtemp(join(tmpdir(), 'holdfast-personas-'))
    await symlink(
      fileURLToPath(new URL('../../../node_modules', import.meta.url)),
      join(directory, 'node_modules'),
    )
    await writeFile(join(directory, 'package.json'), '{"type":"module"}')
    const file = join(directory, 'sign-in.ts')
    await writeFile(file, code)
    Object.assign(process.env, { CHAT_URL: server.url, E2E_OAUTH_SIMULATION_KEY: key, E2E_RUN: 'ci-4711' })
    example = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Example
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })
  const heading = 'What do you want to know of your data?'

  test('alice asks, is told everywhere that she is simulated, and bob sees nothing of hers', async () => {
    await using alice = await openVisitor(browser)
    alice.page.setDefaultTimeout(patienceMs)
    await example.signIn(alice.context, 'alice')
    await alice.page.goto(server.url)
    await alice.page.getByRole('heading', { name: heading }).waitFor()
    const banner = alice.page.getByRole('note', { name: 'About this server' })
    expect(await banner.textContent()).toBe('Test server · Simulated user “alice” of test run ci-4711')
    await alice.page.getByRole('button', { name: /Cost by model/ }).click()
    await alice.page.getByRole('article').last().getByText('Verified playbook').waitFor()
    const thread = alice.page.url()
    expect(await banner.isVisible()).toBe(true)
    // No persona runs the server, and none has an account to make tokens of.
    expect(await alice.page.getByRole('link', { name: 'Operations' }).count()).toBe(0)
    await alice.page.goto(`${server.url}/settings`)
    await alice.page.getByText('Whoever is signed in here cannot make tokens.').waitFor()
    expect(await banner.isVisible()).toBe(true)
    expect(alice.complaints).toEqual([])

    await using bob = await openVisitor(browser)
    bob.page.setDefaultTimeout(patienceMs)
    await example.signIn(bob.context, 'bob')
    await bob.page.goto(thread)
    await bob.page.getByRole('heading', { name: 'There is no such conversation' }).waitFor()
    expect(await bob.page.getByRole('note', { name: 'About this server' }).textContent()).toContain('“bob”')

    await example.cleanUp()
    await alice.page.goto(server.url)
    // Nobody is alice any more, here or in another tab.
    await alice.page.getByText('Open the sign-in link').waitFor()
  })
})
