import { createClient, type HoldfastClient } from '@holdfast/client'
import { limits, type Run, ThreadId } from '@holdfast/protocol'
import { Command } from 'commander'
import picocolors from 'picocolors'
import { prepareOut, saveCharts } from '../ask/charts.ts'
import { converse, type Told, type Watcher } from '../ask/conversation.ts'
import { openDataFiles } from '../ask/data-files.ts'
import { progressOf, sendingOf } from '../ask/progress.ts'
import { renderResult } from '../ask/render.ts'
import { prepareReport, type ReportFile, saveReport } from '../ask/report-file.ts'
import { type AskResult, buildResult, exitCodeOf, refusedResult } from '../ask/result.ts'
import { openLocal, openRemote, type Target } from '../ask/server.ts'
import type { Context } from '../context.ts'
import { explain } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { UsageError } from '../usage-error.ts'
import { collect } from './options.ts'

interface AskOptions {
  readonly data?: readonly string[]
  readonly thread?: string
  readonly url?: string
  readonly token?: string
  readonly dataDir?: string
  readonly json?: true
  readonly out?: string
  readonly sql?: true
  readonly report?: string
  readonly model?: string
  readonly agent?: string
}

const help = `
Examples:
  $ holdfast ask "What is our peak load in requests and tokens per minute?" --data trace.csv
  $ holdfast ask "Where does the money go?" --data usage.csv --out charts
  $ holdfast ask "average latency by tenant" --data usage.csv --sql
  $ holdfast ask "Where does the money go?" --data usage.csv --report costs.html
  $ holdfast ask "Where does the money go?" --thread thr_01… --data usage.csv
  $ holdfast ask "Where does the money go?" --data usage.csv --json | tail -n 1

Files may be CSV, TSV, JSON, JSONL, Parquet or xlsx, and gz of them. Progress goes to standard error, the
answer to standard output. With --json standard output has one event on each line, and last the result.

Exit codes: 0 answered · 4 partial · 3 needs data · 1 failed · 2 wrong usage · 130 stopped by Ctrl-C
            and, of a server opened in this process, 73 and 78 as of serve`

export function askCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('ask')
    .description('Ask a question about data, on a server or, without --url, in this process.')
    .argument('<question>', 'in plain words, in quotes')
    .option('--data <file>', 'a file to answer from; may be given several times', collect)
    .option('--thread <id>', 'go on in this thread, with the files it has')
    .option('--url <url>', 'the server to ask; without it the data directory of this machine is used')
    .option('--token <token>', 'for --url; better in HOLDFAST_TOKEN, where other users cannot see it')
    .option('--data-dir <directory>', 'where threads and files are kept (HOLDFAST_DATA_DIR)')
    .option('--json', 'print every event, and last the result, as JSON lines')
    .option('--out <directory>', 'save charts here as SVG')
    .option('--sql', 'show the SQL of each query')
    .option('--report <file>', 'save the answer as a report: a name that ends in .html (with charts) or .md')
    .option('--agent <name>', 'whom to ask; without it the data helper')
    .option(
      '--model <name>',
      'who answers, such as offline; without it as the server has it (HOLDFAST_MODEL)',
    )
    .addHelpText('after', help)
    .action(async (question: string, options: AskOptions) => exit(await ask(question, options, context)))
}

function checkQuestion(question: string): string {
  const text = question.trim()
  if (text === '') throw new UsageError('The question is empty. Put it in quotes after ask.')
  if (text.length > limits.messageTextBytes)
    throw new UsageError(
      `The question is longer than ${limits.messageTextBytes} characters. Put data into a file, and name it with --data.`,
    )
  return text
}

function checkThread(raw: string | undefined): ThreadId | null {
  if (raw === undefined) return null
  const parsed = ThreadId.safeParse(raw)
  if (!parsed.success)
    throw new UsageError(
      `--thread ${raw}: not a thread id, which is thr_ and 26 characters. An earlier ask printed it.`,
    )
  return parsed.data
}

function checkUrl(raw: string | undefined): string | null {
  if (raw === undefined) return null
  if (!URL.canParse(raw) || !/^https?:$/.test(new URL(raw).protocol))
    throw new UsageError(`--url ${raw}: not an address such as http://127.0.0.1:8080.`)
  return raw
}

/** What goes where: events and the result as JSON, or words for a person. */
interface Voice {
  readonly event: Watcher['event']
  readonly sending: Watcher['sending']
  readonly sent: Watcher['sent']
  result(result: AskResult, told: Told | null): Promise<void>
}

function jsonVoice({ stdout }: Context): Voice {
  const line = (value: unknown): Promise<void> => stdout.write(`${JSON.stringify(value)}\n`)
  return { event: line, sending: () => undefined, sent: () => undefined, result: line }
}

function plainVoice({ stdout, status }: Context, question: string, options: AskOptions): Voice {
  const flags = (['url', 'dataDir'] as const).flatMap((key) => {
    const value = options[key]
    return value === undefined ? [] : [key === 'url' ? '--url' : '--data-dir', value]
  })
  return {
    async event(event) {
      const progress = progressOf(event)
      if (progress.kind === 'line') status.line(progress.text)
      else if (progress.kind === 'doing') status.doing(progress.text)
    },
    sending: (name, sentBytes, totalBytes) => status.doing(sendingOf(name, sentBytes, totalBytes)),
    sent: (name) => status.line(`sent ${name}`),
    async result(result, told) {
      status.stop()
      const withSql = options.sql === true
      const bold = stdout.isTerminal ? picocolors.bold : (words: string) => words
      await stdout.write(renderResult(result, told?.report ?? null, { question, withSql, flags, bold }))
    },
  }
}

async function ask(rawQuestion: string, options: AskOptions, context: Context): Promise<ExitCode> {
  const text = checkQuestion(rawQuestion)
  const threadId = checkThread(options.thread)
  const url = checkUrl(options.url)
  const files = await openDataFiles(options.data ?? [])
  if (options.out !== undefined) await prepareOut(options.out)
  const report = options.report === undefined ? null : await prepareReport(options.report)
  const settings = {
    ...context.settings(),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
  }
  const token = options.token ?? settings.token?.reveal() ?? null

  const stop = interruption(context)
  try {
    const voice = options.json === true ? jsonVoice(context) : plainVoice(context, text, options)
    if (url === null) context.status.doing('opening the data directory')
    const opening = url === null ? openLocal(settings) : openRemote(url, token, settings.dataDir)
    await using target = await opening.catch(async (error: unknown) => {
      // A program that reads the last line finds one, whatever went wrong; the sentence follows as for anyone.
      const { code, sentence } = explain(error)
      if (options.json === true)
        await voice.result(refusedResult({ code, message: sentence }, threadId), null)
      throw error
    })
    if (target.note !== null) context.status.line(target.note)
    return await askAt(
      target,
      { text, threadId, files, model: options.model ?? null, agent: options.agent ?? null },
      { voice, context, stop, out: options.out ?? null, report },
    )
  } finally {
    stop.forget()
    context.status.stop()
  }
}

interface Surroundings {
  readonly voice: Voice
  readonly context: Context
  readonly stop: Interruption
  /** Where charts go; null: nowhere. */
  readonly out: string | null
  readonly report: ReportFile | null
}

async function askAt(
  target: Target,
  question: Parameters<typeof converse>[1],
  { voice, context, stop, out, report }: Surroundings,
): Promise<ExitCode> {
  await using client = createClient({
    url: target.url,
    ...(target.token === null ? {} : { token: target.token }),
    onStatus: (status) => {
      if (status.kind === 'waiting') context.status.doing('the connection is lost; trying again')
    },
  })
  let threadId = question.threadId
  const watcher: Watcher = {
    ...voice,
    thread: (id) => {
      threadId = id
    },
    run: (run) => stop.cancelBy(() => cancel(client, run, context)),
  }
  let told: Told
  try {
    told = await converse(client, question, watcher, stop.signal, target.upload ?? undefined)
  } catch (error) {
    const { code, sentence } = explain(error)
    if (stop.asked()) return exitCodes.interrupted
    await voice.result(refusedResult({ code, message: sentence }, threadId), null)
    context.status.line(`holdfast: ${sentence}`)
    return exitCodes.failed
  }
  const result = buildResult({ threadId: told.run.threadId, runId: told.run.id }, told.story, told.report)
  if (out !== null)
    for (const path of await saveCharts(client, told, out)) context.status.line(`saved ${path}`)
  if (report !== null) {
    const saved = await saveReport(client, told, report)
    context.status.line(saved ? `saved ${report.path}` : `no report: nothing was written to ${report.path}`)
  }
  await voice.result(result, told)
  return stop.asked() ? exitCodes.interrupted : exitCodeOf(result.outcome)
}

async function cancel(client: HoldfastClient, run: Run, context: Context): Promise<void> {
  context.status.line('cancelling (Ctrl-C again to leave at once)')
  await client.cancel(run.id)
}

interface Interruption {
  /** Aborts when there is nothing to wait for anymore. */
  readonly signal: AbortSignal
  asked(): boolean
  /** From now on the first Ctrl-C does this instead of leaving. */
  cancelBy(cancel: () => Promise<void>): void
  forget(): void
}

/** First Ctrl-C: cancel the run and wait for its last event. The second, or one with no run yet: leave. */
function interruption(context: Context): Interruption {
  const leave = new AbortController()
  let cancelRun: (() => Promise<void>) | null = null
  let times = 0
  const leaveNow = (): void => {
    leave.abort()
    // What does not listen to the signal (a server being opened) must not hold the terminal: with no listener
    // left, the next Ctrl-C ends the process at once.
    forget()
  }
  const forget = context.onStop(() => {
    times += 1
    if (times > 1 || cancelRun === null) leaveNow()
    // A server that cannot be told will not say that it has stopped either.
    else cancelRun().catch(leaveNow)
  })
  return {
    signal: leave.signal,
    asked: () => times > 0,
    cancelBy: (cancel) => {
      cancelRun = cancel
    },
    forget,
  }
}
