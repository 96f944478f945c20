import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { start, temporaryDirectory } from '../../cli/src/holdfast.test-support.ts'
import { freePort } from '../../server/src/store/testing/free-port.ts'

export interface PageServer extends AsyncDisposable {
  readonly url: string
  readonly dataDir: string
  /** The sign-in link of the process that runs now; good once. Empty where people sign in with a provider. */
  link(): string
  /** SIGKILL: no goodbye to anybody. */
  kill(): Promise<void>
  /** On the same port and data; resolves when it answers. */
  restart(): Promise<void>
}

export interface PageServerOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}

/** `holdfast serve` as a process of its own, with the built page. */
export async function openPageServer(options: PageServerOptions = {}): Promise<PageServer> {
  const directory = await temporaryDirectory()
  const port = options.port ?? (await freePort())
  const dataDir = join(directory.path, 'data')
  const begin = async () => {
    const running = start(['serve', '--port', String(port), '--data-dir', dataDir], {
      env: { HOLDFAST_LOG_LEVEL: 'error', ...options.env },
    })
    // What it says last.
    const { input } = await running.saw(/stop {3}Ctrl-C/)
    return { running, link: /http:\S+\/login#token=\S+/.exec(input)?.[0] ?? '' }
  }
  let now = await begin()
  return {
    url: `http://127.0.0.1:${port}`,
    dataDir,
    link: () => now.link,
    async kill() {
      now.running.child.kill('SIGKILL')
      await now.running.ended
    },
    async restart() {
      now = await begin()
    },
    async [Symbol.asyncDispose]() {
      await now.running[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Opens the link that the server printed; afterwards the page is there. */
export async function signIn(page: Page, server: PageServer): Promise<void> {
  await page.goto(server.link())
  await page.getByRole('heading', { name: 'What do you want to know of your data?' }).waitFor()
}
