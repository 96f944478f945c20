import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { Run, Thread } from '@holdfast/protocol'
import type { Browser, Page } from 'playwright-core'
import { z } from 'zod'
import { defineAgent } from '../../packages/server/src/agents/define-agent.ts'
import { readSettings } from '../../packages/server/src/environment/settings.ts'
import { createModelManager } from '../../packages/server/src/models/model-manager.ts'
import { startServer } from '../../packages/server/src/start-server.ts'
import { silentLogger } from '../../packages/server/src/telemetry/logger.ts'
import { buildPage, pageDirectory } from '../../packages/web/bin/build-page.ts'
import { openBrowser, openVisitor } from '../../packages/web/test/browser.test-support.ts'
import { loadAverage, median, quantile, table } from './table.ts'

const help = `npm run bench -- page [options]

  --short 50    turns of the short thread
  --long 2000   turns of the long one
  --rounds 7    how often each is opened, by turns; figures are medians
  --deltas 300  deltas that are streamed into each

How long a thread takes from the click on its address to its last answer on the page, and what a streamed delta costs:
the work of the frame that shows it, from its first script to after its picture.`

/** Of the issue this bench answers. */
const goals = { openRatio: 1.5, deltaP95Ms: 20 } as const

/** What an answer ends with. A question, which is on the page too, names only the key. */
const endings = {
  usual: 'So it is.',
  awaited: 'This is the last answer.',
  streamed: 'That was all.',
} as const
const Told = z.object({
  deltas: z.int(),
  pauseMs: z.number(),
  ending: z.enum(['usual', 'awaited', 'streamed']),
})
/** Runs in the page, before the page's own. */
const watchPath = join(import.meta.dirname, 'page-watch.js')

const words = 'The nightly digest spends the most, and most of that between two and four in the morning. '

/** Says as many deltas as its message asks for. */
async function* parts(
  told: z.infer<typeof Told>,
): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings: [] }
  yield { type: 'text-start', id: 't' }
  for (let number = 0; number < told.deltas; number += 1) {
    if (told.pauseMs > 0) await sleep(told.pauseMs)
    yield { type: 'text-delta', id: 't', delta: words }
  }
  yield { type: 'text-delta', id: 't', delta: `\n\n${endings[told.ending]}` }
  yield { type: 'text-end', id: 't' }
  const usage = {
    inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 0, text: 0, reasoning: 0 },
  }
  yield { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage }
}

const talker: LanguageModelV4 = {
  specificationVersion: 'v4',
  provider: 'holdfast-bench',
  modelId: 'talker',
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('It only streams')),
  async doStream({ prompt }) {
    const message = prompt.findLast(({ role }) => role === 'user')
    if (message?.role !== 'user') throw new Error('A run begins with a message')
    const text = message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
    return { stream: ReadableStream.from(parts(Told.parse(JSON.parse(text)))) }
  },
}

async function openHouse() {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-bench-page-'))
  const settings = readSettings({ HOLDFAST_ENV: 'test', HOLDFAST_PORT: '0', HOLDFAST_DATA_DIR: dataDir })
  const agent = defineAgent({
    name: 'talker',
    description: 'Talks.',
    instructions: 'Talk.',
    tools: [],
    offlineRules: null,
  })
  const server = await startServer({
    settings,
    logger: silentLogger,
    advertise: false,
    pageDirectory,
    parts: {
      agents: [agent],
      tools: [],
      models: createModelManager(new Map([['talker', talker]]), ['talker']),
    },
  })
  const { local } = server
  if (local === null) throw new Error('Local mode has a door')
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${server.url}/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${local.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const ask = async (thread: string, told: z.infer<typeof Told>): Promise<Run> =>
    Run.parse(await post(`/threads/${thread}/runs`, { message: JSON.stringify(told) }))
  const done = async (run: Run): Promise<void> => {
    for (;;) {
      const headers = { authorization: `Bearer ${local.token}` }
      const now = Run.parse(await (await fetch(`${server.url}/v1/runs/${run.id}`, { headers })).json())
      if (now.status === 'completed') return
      if (now.status === 'failed' || now.status === 'cancelled') throw new Error(`A run ${now.status}`)
      await sleep(50)
    }
  }
  return {
    url: server.url,
    link: () => local.loginLink(),
    ask,
    async thread(turns: number): Promise<string> {
      const { id } = Thread.parse(await post('/threads', { title: `${turns} turns` }))
      for (let turn = 1; turn <= turns; turn += 1)
        await done(await ask(id, { deltas: 3, pauseMs: 0, ending: turn === turns ? 'awaited' : 'usual' }))
      return id
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** From the start of the navigation until the last answer is on the page. */
async function openMs(page: Page, url: string): Promise<number> {
  await page.goto(url)
  await page.getByRole('article').last().getByText(endings.awaited).waitFor()
  return (await page.evaluate('pageWatch.shownAt()')) as number
}

async function deltaMs(page: Page, url: string, stream: () => Promise<void>): Promise<readonly number[]> {
  await page.goto(url)
  await page.getByRole('article').last().getByText(endings.awaited).waitFor()
  await page.evaluate('pageWatch.reset()')
  await stream()
  await page.getByRole('article').last().getByText(endings.streamed).waitFor()
  return (await page.evaluate('pageWatch.frames')) as number[]
}

export async function benchPage(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'string', default: '50' },
      long: { type: 'string', default: '2000' },
      rounds: { type: 'string', default: '7' },
      deltas: { type: 'string', default: '300' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  await buildPage()
  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}`)
  await using house = await openHouse()
  const lengths = [Number(values.short), Number(values.long)]
  const threads = await Promise.all(
    lengths.map(async (turns) => ({ turns, url: `${house.url}/threads/`, id: await house.thread(turns) })),
  )
  const browser: Browser = await openBrowser()
  try {
    await using visitor = await openVisitor(browser)
    const { page } = visitor
    page.setDefaultTimeout(120_000)
    await page.addInitScript(
      `const awaited = ${JSON.stringify(endings.awaited)};${await readFile(watchPath, 'utf8')}`,
    )
    await page.goto(house.link())
    await page.getByRole('heading', { level: 1 }).waitFor()
    const opened = new Map<number, number[]>(lengths.map((turns) => [turns, []]))
    for (let round = -1; round < Number(values.rounds); round += 1)
      for (const { turns, url, id } of threads) {
        const ms = await openMs(page, url + id)
        // The first fills the browser's caches.
        if (round >= 0) opened.get(turns)?.push(ms)
      }
    const rows: (readonly (string | number)[])[] = []
    for (const { turns, url, id } of threads) {
      const told = { deltas: Number(values.deltas), pauseMs: 40, ending: 'streamed' } as const
      const frames = await deltaMs(page, url + id, async () => void (await house.ask(id, told)))
      const ms = median(opened.get(turns) ?? [])
      rows.push([
        turns,
        ms.toFixed(0),
        frames.length,
        quantile([...frames], 0.5).toFixed(1),
        quantile([...frames], 0.95).toFixed(1),
      ])
    }
    console.log(table(['turns', 'opened ms', 'deltas', 'p50 ms', 'p95 ms'], rows))
    const [short = Number.NaN, long = Number.NaN] = lengths.map((turns) => median(opened.get(turns) ?? []))
    const ratio = long / short
    const p95 = Number(rows[1]?.[4])
    const verdict = (holds: boolean): string => (holds ? 'held' : 'MISSED')
    console.log(
      `\nOpened in ${ratio.toFixed(2)} × the time of the short one; goal ≤ ${goals.openRatio}: ${verdict(ratio <= goals.openRatio)}`,
    )
    console.log(
      `A delta costs ${p95} ms at p95 in the long one; goal ≤ ${goals.deltaP95Ms}: ${verdict(p95 <= goals.deltaP95Ms)}`,
    )
    console.log(`Load average at the end: ${loadAverage()}`)
  } finally {
    await browser.close()
  }
}
