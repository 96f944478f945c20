import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { runHere } from '../../cli/src/holdfast.test-support.ts'
import { buildPage } from '../bin/build-page.ts'
import { openBrowser, openVisitor, type Visitor } from './browser.test-support.ts'
import { openPageServer, type PageServer, type PageServerOptions, signIn } from './server.test-support.ts'

/** Each is a whole visit, on a machine that does other things as well. */
export const visitTimeouts = { testTimeout: 240_000, hookTimeout: 240_000 } as const
export const patienceMs = 90_000

export interface Visit {
  readonly browser: Browser
  readonly server: PageServer
  readonly visitor: Visitor
  /** At home when a test begins. */
  readonly page: Page
  /** What the server refused or could not be asked is an error to a browser, and none of the page's. */
  tolerate(pattern: RegExp): void
  /** The same user in a browser of their own. */
  openOther(): Promise<Visitor>
  newPage(): Promise<Page>
  ask(text: string, on?: Page): Promise<void>
  lastTurn(on?: Page): Locator
  /** @returns the path of a file */
  file(name: string, content: string | Buffer): Promise<string>
  csv(name: string, rows: number): Promise<string>
  addFile(path: string, on?: Page): Promise<void>
}

/**
 * For the tests of a file: a server, a browser and somebody who is signed in. After each test no page may have
 * complained: no error in its console, none of its scripts, no violation of its policy.
 */
export function visit(options: () => PageServerOptions | Promise<PageServerOptions> = () => ({})): Visit {
  let browser: Browser
  let server: PageServer
  let visitor: Visitor
  let tolerated: RegExp[] = []
  beforeAll(async () => {
    await buildPage()
    browser = await openBrowser()
    server = await openPageServer(await options())
    visitor = await openVisitor(browser)
    visitor.page.setDefaultTimeout(patienceMs)
    await signIn(visitor.page, server)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })
  beforeEach(async ({ onTestFinished }) => {
    const before = visitor.complaints.length
    tolerated = []
    onTestFinished(() => {
      const untold = visitor.complaints.slice(before)
      expect(untold.filter((text) => !tolerated.some((pattern) => pattern.test(text)))).toEqual([])
    })
    await visitor.page.goto(server.url)
  })
  const file = async (name: string, content: string | Buffer): Promise<string> => {
    const path = join(server.dataDir, name)
    await writeFile(path, content)
    return path
  }
  return {
    get browser() {
      return browser
    },
    get server() {
      return server
    },
    get visitor() {
      return visitor
    },
    get page() {
      return visitor.page
    },
    tolerate: (pattern) => void tolerated.push(pattern),
    async openOther() {
      const other = await openVisitor(browser, { storageState: await visitor.context.storageState() })
      other.page.setDefaultTimeout(patienceMs)
      return other
    },
    async newPage() {
      const page = await visitor.newPage()
      page.setDefaultTimeout(patienceMs)
      return page
    },
    async ask(text, on = visitor.page) {
      await on.getByRole('textbox', { name: 'Your question' }).fill(text)
      await on.keyboard.press('Enter')
    },
    lastTurn: (on = visitor.page) => on.getByRole('article').last(),
    file,
    csv: async (name, rows) => file(name, (await runHere(['sample', '--rows', String(rows)])).stdout),
    async addFile(path, on = visitor.page) {
      const chooser = on.waitForEvent('filechooser')
      await on.getByRole('button', { name: 'Add files' }).click()
      await (await chooser).setFiles(path)
    },
  }
}
