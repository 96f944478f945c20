/**
 * `npm run screens`: pictures of each screen and state, light, dark and on a phone, into `screens/`. For eyes: whoever
 * changes the page looks at them. Three of them stand in docs/screens, for the README.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { sampleUsage } from '../../packages/cli/src/sample/sample-usage.ts'
import { buildPage } from '../../packages/web/bin/build-page.ts'
import { openBrowser, openVisitor } from '../../packages/web/test/browser.test-support.ts'
import { openPageServer, type PageServer, signIn } from '../../packages/web/test/server.test-support.ts'

const into = join(import.meta.dirname, '../../screens')
const patienceMs = 120_000

const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  phone: {
    colorScheme: 'light',
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  },
}

interface Shot {
  readonly name: string
  /** Brings the page to what is to be seen. */
  readonly go: (page: Page, threads: Threads) => Promise<void>
}

interface Threads {
  readonly url: string
  readonly answered: string
  readonly needsData: string
  readonly running: string
  readonly choices: string
  readonly failed: string
}

const lastTurn = (page: Page) => page.getByRole('article').last()
const opened = async (page: Page, url: string, text: string | RegExp): Promise<void> => {
  await page.goto(url)
  await lastTurn(page).getByText(text).first().waitFor()
}
const isPhone = (page: Page): boolean => (page.viewportSize()?.width ?? 0) < 600

const shots: readonly Shot[] = [
  { name: 'home', go: async (page, { url }) => void (await page.goto(url)) },
  {
    name: 'drawer',
    async go(page, { url }) {
      await page.goto(url)
      if (isPhone(page)) await page.getByRole('button', { name: 'Conversations and settings' }).click()
    },
  },
  { name: 'request-card', go: (page, { needsData }) => opened(page, needsData, /missing for an answer/) },
  {
    name: 'request-card-how-to',
    async go(page, { needsData }) {
      await opened(page, needsData, /missing for an answer/)
      await page.getByText('Where to get it').first().click()
    },
  },
  {
    name: 'answer',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      // On a phone it is further down than a chart is drawn ahead.
      if (!isPhone(page)) await lastTurn(page).locator('figure svg').first().waitFor()
    },
  },
  { name: 'choices', go: (page, { choices }) => opened(page, choices, /^In which unit/) },
  { name: 'failed', go: (page, { failed }) => opened(page, failed, 'Ask again') },
  {
    name: 'offline',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      await page.context().setOffline(true)
      await page
        .getByTestId('connection')
        .getByText(/Offline|Reconnecting|Connecting/)
        .waitFor()
    },
  },
  {
    name: 'answer-chart',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      const figure = lastTurn(page).locator('figure').first()
      await figure.scrollIntoViewIfNeeded()
      await figure.locator('svg').first().waitFor()
      await figure.evaluate((element) => element.scrollIntoView({ block: 'start' }))
    },
  },
  {
    name: 'answer-end',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      await lastTurn(page).getByText('behind this answer').click()
      await lastTurn(page)
        .getByText('behind this answer')
        .evaluate((element) => element.scrollIntoView({ block: 'start' }))
    },
  },
  {
    name: 'steps',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      await lastTurn(page)
        .getByRole('button', { name: /^Answered/ })
        .click()
      await lastTurn(page).getByText('Looked into the files').click()
    },
  },
  {
    name: 'evidence',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      await lastTurn(page)
        .getByRole('button', { name: /where it comes from/ })
        .first()
        .click()
      await page.getByText('It is the cell').waitFor()
    },
  },
  {
    name: 'files',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      await page.getByRole('button', { name: /^1 file|^Files/ }).click()
      await page.getByRole('heading', { name: 'First rows' }).waitFor()
    },
  },
  {
    name: 'settings',
    async go(page, { url }) {
      await page.goto(`${url}/settings`)
      await page.getByText('There are no tokens.').waitFor()
    },
  },
  {
    name: 'operations',
    async go(page, { url }) {
      await page.goto(`${url}/operations`)
      await page.getByText('Hand-overs in the last day').waitFor()
    },
  },
  {
    name: 'missing',
    async go(page, { url }) {
      await page.goto(`${url}/threads/thr_01J000000000000000000000ZZ`)
      await page.getByText('There is no such conversation').waitFor()
    },
  },
  {
    name: 'menu',
    async go(page, { answered }) {
      await opened(page, answered, 'Verified playbook')
      if (isPhone(page)) return
      await page
        .getByRole('link', { name: /Where does the money go/ })
        .first()
        .hover()
      await page
        .getByRole('button', { name: /^More for Where does/ })
        .first()
        .click()
      await page.getByRole('menuitem', { name: 'Rename' }).waitFor()
    },
  },
  {
    name: 'upload-refused',
    async go(page, { needsData }) {
      await opened(page, needsData, /missing for an answer/)
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Add files' }).click()
      await (await chooser).setFiles({
        name: 'notes.pdf',
        mimeType: 'application/pdf',
        buffer: Buffer.from('%PDF-1.7 x'),
      })
      await page.getByText('notes.pdf').last().waitFor()
      await page.getByRole('listitem').filter({ hasText: 'notes.pdf' }).locator('.text-bad').last().waitFor()
    },
  },
  { name: 'running', go: (page, { running }) => opened(page, running, /./) },
]

/** Threads in each state, asked through the page itself. */
async function prepare(browser: Browser, server: PageServer, storage: string): Promise<Threads> {
  await using visitor = await openVisitor(browser)
  const { page } = visitor
  page.setDefaultTimeout(patienceMs)
  await signIn(page, server)
  await visitor.context.storageState({ path: storage })
  const ask = async (text: string): Promise<string> => {
    await page.getByRole('textbox', { name: 'Your question' }).fill(text)
    await page.keyboard.press('Enter')
    await page.waitForURL(/threads/)
    return page.url()
  }
  const needsData = await ask('What is our p95 latency, and why?')
  await lastTurn(page)
    .getByText(/missing for an answer/)
    .waitFor()
  await page.goto(server.url)
  await page.getByRole('button', { name: /Where does the money go/ }).click()
  await lastTurn(page).getByText('Verified playbook').waitFor()
  const answered = page.url()
  const askOf = async (name: string, content: string, question: string): Promise<string> => {
    await page.goto(server.url)
    const path = join(server.dataDir, name)
    await writeFile(path, content)
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Add files' }).click()
    await (await chooser).setFiles(path)
    await page
      .getByText(/(csv|json), \d/)
      .first()
      .waitFor()
    return ask(question)
  }
  const rows = Array.from({ length: 300 }, (_, n) => {
    const at = new Date(Date.UTC(2026, 9, 1) + n * 61_000).toISOString()
    return `${at},gpt-5,${3_000 + ((n * 37) % 900)}\n`
  })
  const choices = await askOf('undecided.csv', `time,model,duration\n${rows.join('')}`, 'Why is it slow?')
  await lastTurn(page)
    .getByText(/^In which unit/)
    .first()
    .waitFor()
  const failed = await askOf('broken.json', '{"a": 1, "b": [', 'Where does the money go?')
  await lastTurn(page).getByText('Ask again').waitFor()
  const big = [...sampleUsage({ rows: 300_000 })].join('')
  const running = await askOf('october.csv', big, 'Which days were unusual?')
  await lastTurn(page).getByText('Looking into the files').waitFor()
  return { url: server.url, needsData, answered, running, choices, failed }
}

const wanted = process.argv.slice(2)
await buildPage()
await rm(into, { recursive: true, force: true })
await mkdir(into, { recursive: true })
await using server = await openPageServer()
const browser = await openBrowser()
try {
  const storage = join(server.dataDir, 'storage.json')
  const threads = await prepare(browser, server, storage)
  // What is under way is seen first, before it is over.
  const order = [...shots].sort((a, b) => Number(b.name === 'running') - Number(a.name === 'running'))
  for (const [look, options] of Object.entries(looks)) {
    await using visitor = await openVisitor(browser, { ...options, storageState: storage })
    const { page } = visitor
    page.setDefaultTimeout(patienceMs)
    for (const { name, go } of order) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      if (name === 'drawer' && look !== 'phone') continue
      try {
        await go(page, threads)
      } catch (error) {
        console.log(`${name}-${look}: ${String(error).split('\n', 1)[0]}`)
      }
      await page.waitForLoadState('networkidle').catch(() => {})
      await page.screenshot({ path: join(into, `${name}-${look}.png`), animations: 'disabled' })
      await visitor.context.setOffline(false)
      console.log(`${name}-${look}`)
    }
    for (const complaint of visitor.complaints) console.log(`complaint: ${complaint}`)
  }
  if (wanted.length === 0) {
    await using stranger = await openVisitor(browser)
    await stranger.page.goto(`${server.url}/login`)
    await stranger.page.screenshot({ path: join(into, 'login-light.png') })
    await stranger.page.goto(`${server.url}/nowhere`)
    await stranger.page.screenshot({ path: join(into, 'nowhere-light.png') })
  }
} finally {
  await browser.close()
}
