import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'

const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
export const hasChromium = path !== undefined

/** A real Chromium. As root it has no sandbox of its own; what it opens is our own page. */
export async function openBrowser(): Promise<Browser> {
  if (path === undefined) throw new Error('There is no Chromium on this machine')
  return chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  })
}

export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext
  readonly page: Page
  /** Another tab of the same browser. */
  newPage(): Promise<Page>
  /** What no page may ever have: errors in its console, of its scripts, and violations of its policy. */
  readonly complaints: readonly string[]
}

/** Somebody with a browser of their own, whose every complaint is kept. */
export async function openVisitor(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  })
  const complaints: string[] = []
  const watch = (page: Page): void => {
    page.on('console', (message) => {
      if (message.type() === 'error')
        complaints.push(`console: ${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => complaints.push(`script: ${error.stack ?? error.message}`))
  }
  context.on('page', watch)
  const page = await context.newPage()
  return {
    context,
    page,
    newPage: () => context.newPage(),
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}
