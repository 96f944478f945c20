import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { sampleUsage } from '../../packages/cli/src/sample/sample-usage.ts'
import { listPrices, priceTableSql } from '../../packages/server/src/agents/data-helper/prices.ts'
import { canWatchProcesses, treeBytes } from './process-tree.ts'
import { median, table } from './table.ts'

/** Of the two playbooks that most people ask first. */
const questions = ['Where does the money go?', 'Why is it slow, what is our p95?'] as const
const defaultRows = 1_400_000
const defaultRounds = 3
const memoryPollMs = 25

interface Measured {
  readonly seconds: number
  readonly peakMiB: number
  readonly output: string
}

/**
 * `holdfast ask` on a generated CSV, beside DuckDB alone doing the same: load all text, profile it, type it, run the
 * very queries of the answer. Both as whole processes, in turn, so that what the machine does besides hits both.
 * `ask` begins with an empty data directory (first) and with one that has been used (again): the first pays for the
 * creation of the embedded database, once in the life of a directory.
 */
export async function benchAsk(args: readonly string[]): Promise<void> {
  const [rows = defaultRows, rounds = defaultRounds] = args.map(Number)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    const file = join(folder, 'usage.csv')
    const models = new Set<string>()
    await pipeline(Readable.from(widened(sampleUsage({ rows }), models)), createWriteStream(file))
    // The answer's queries read it; an analyst would type it in.
    const prices = priceTableSql(listPrices([...models], new Date()))
    console.log(
      `${rows.toLocaleString('en-US')} rows, 14 columns, ${Math.round((await stat(file)).size / 2 ** 20)} MiB`,
    )
    for (const question of questions) await benchQuestion(question, { file, folder, rounds, prices })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Two columns more, which nothing is asked of: exports have such, and they are read and profiled as well. Every name
 * in the column `model` is added to `models`.
 */
function* widened(lines: Iterable<string>, models: Set<string>): Iterable<string> {
  let row = -1
  let modelAt = 0
  for (const line of lines) {
    const cells = line.trimEnd().split(',')
    if (row < 0) modelAt = cells.indexOf('model')
    else models.add(cells[modelAt] ?? '')
    yield `${line.trimEnd()},${row < 0 ? 'region,host' : `eu-west-${row % 3},host-${row % 40}`}\n`
    row += 1
  }
}

async function benchQuestion(
  question: string,
  {
    file,
    folder,
    rounds,
    prices,
  }: { readonly file: string; readonly folder: string; readonly rounds: number; readonly prices: string },
): Promise<void> {
  const first: Measured[] = []
  const again: Measured[] = []
  const alone: Measured[] = []
  // On a machine that does other things too the ratios say more than the seconds.
  const loads: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    const dataDir = join(folder, `data-${round}`)
    loads.push((loadavg()[0] ?? 0).toFixed(1))
    first.push(await askOnce(question, file, dataDir))
    again.push(await askOnce(question, file, dataDir))
    const peer = fileURLToPath(new URL('duckdb-alone.ts', import.meta.url))
    alone.push(await measure([peer, file, prices, queriesOf(again.at(-1))]))
    await rm(dataDir, { recursive: true, force: true })
  }

  console.log(`\n“${question}”, load average before each round: ${loads.join(', ')}\n`)
  const base = median(alone.map(({ seconds }) => seconds))
  const row = (name: string, runs: readonly Measured[]): (string | number)[] => {
    const seconds = median(runs.map((run) => run.seconds))
    const peak = canWatchProcesses ? String(Math.round(Math.max(...runs.map((run) => run.peakMiB)))) : '–'
    return [name, seconds.toFixed(2), `${(seconds / base).toFixed(2)}×`, peak]
  }
  console.log(
    table(
      ['whole process', 'seconds', 'ratio', 'peak MiB'],
      [row('DuckDB alone', alone), row('ask, used directory', again), row('ask, new directory', first)],
    ),
  )
  const steps = alone.map(({ output }) => JSON.parse(output) as Record<string, number>)
  printSteps('DuckDB alone, by step (median seconds)', steps)
  const tools = again.map(({ output }) => Object.fromEntries(toolSeconds(output)))
  printSteps('ask, used directory, by tool (median seconds)', tools)
}

function printSteps(title: string, rounds: readonly Readonly<Record<string, number>>[]): void {
  const names = [...new Set(rounds.flatMap((each) => Object.keys(each)))]
  console.log(`\n${title}`)
  console.log(
    table(
      ['step', 'seconds'],
      names.map((name) => [name, median(rounds.map((each) => each[name] ?? 0)).toFixed(2)]),
    ),
  )
}

function askOnce(question: string, file: string, dataDir: string): Promise<Measured> {
  const holdfast = fileURLToPath(new URL('../../packages/cli/bin/holdfast.js', import.meta.url))
  return measure([holdfast, 'ask', question, '--data', file, '--data-dir', dataDir, '--json'])
}

/** Runs one Node program to its end; its memory is that of the whole process tree, looked at from outside. */
async function measure(args: readonly string[]): Promise<Measured> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  let peak = 0
  const watch = setInterval(() => {
    if (canWatchProcesses && child.pid !== undefined) peak = Math.max(peak, treeBytes(child.pid))
  }, memoryPollMs)
  const { promise, resolve } = Promise.withResolvers<number>()
  child.on('close', (code) => resolve(code ?? 1))
  const code = await promise
  clearInterval(watch)
  const seconds = (performance.now() - began) / 1000
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${Buffer.concat(errors).toString('utf8')}`)
  return { seconds, peakMiB: peak / 2 ** 20, output: Buffer.concat(chunks).toString('utf8') }
}

interface AskLine {
  readonly type: string
  readonly data?: { readonly tool?: string; readonly durationMs?: number }
  readonly answer?: { readonly queries: readonly { readonly sql: string }[] }
}

const linesOf = (output: string): AskLine[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AskLine)

/** The SQL behind the answer, so that the peer computes the same. */
function queriesOf(run: Measured | undefined): string {
  const result = linesOf(run?.output ?? '').at(-1)
  if (result?.answer === undefined) throw new Error('ask gave no answer to compare with')
  return JSON.stringify(result.answer.queries.map(({ sql }) => sql))
}

function toolSeconds(output: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { type, data } of linesOf(output))
    if (type === 'tool_completed' && data?.tool !== undefined)
      sums.set(data.tool, (sums.get(data.tool) ?? 0) + (data.durationMs ?? 0) / 1000)
  return sums
}
