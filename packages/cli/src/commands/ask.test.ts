import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { advanceRun, newRun, type RunOrder, StoredEvent } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AskResult } from '../ask/result.ts'
import {
  type Ended,
  freePort,
  type Running,
  run,
  runHere,
  start,
  temporaryDirectory,
} from '../holdfast.test-support.ts'
import { sampleUsage } from '../sample/sample-usage.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let server: Running
let url = ''
let usage = ''
/** The flags by which `ask` finds the server of these tests. */
let here: readonly string[] = []

beforeAll(async () => {
  directory = await temporaryDirectory()
  const dataDir = join(directory.path, 'data')
  server = start(['serve', '--port', '0', '--data-dir', dataDir])
  ;[, url = ''] = await server.saw(/is at (\S+)/)
  here = ['--data-dir', dataDir]
  usage = join(directory.path, 'usage.csv')
  await writeFile(usage, [...sampleUsage()].join(''))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const question = 'Where does the money go?'

/** What `--json` printed: every line but the last is an event, the last is the result. */
function readJson({ stdout }: Ended): {
  readonly events: readonly StoredEvent[]
  readonly result: AskResult
} {
  const lines = stdout.trimEnd().split('\n')
  const last = lines.pop() ?? ''
  return {
    events: lines.map((line) => StoredEvent.parse(JSON.parse(line))),
    result: JSON.parse(last) as AskResult,
  }
}

test('--json: the events of the run in order, and last the result; nothing else on standard output', async () => {
  const ended = await run(['ask', question, '--data', usage, '--json', ...here])
  expect(ended.code).toBe(0)
  const { events, result } = readJson(ended)
  let order: RunOrder = newRun
  for (const event of events) {
    const check = advanceRun(order, event)
    if (!check.ok) throw new Error(check.violation)
    order = check.next
  }
  expect(order).toEqual({ kind: 'ended', by: 'agent_completed' })
  expect(Object.keys(result)).toEqual([
    'type',
    'outcome',
    'threadId',
    'runId',
    'playbook',
    'answer',
    'request',
  ])
  expect(result).toMatchObject({ type: 'result', outcome: 'answered', request: null })
  expect(events[0]).toMatchObject({ threadId: result.threadId, runId: result.runId })
})

test('[D3] each figure of the result is the cell it names', async () => {
  const { result } = readJson(await run(['ask', question, '--data', usage, '--json', ...here]))
  const { figures, queries } = result.answer ?? { figures: [], queries: [] }
  expect(figures.length).toBeGreaterThan(0)
  for (const figure of figures) {
    const query = queries.find(({ id }) => id === figure.query)
    expect(query?.rows[figure.row]?.[query.columns.indexOf(figure.column)]).toBe(figure.value)
  }
})

describe('for a person', () => {
  test('the answer on standard output, the progress and the server in use on standard error', async () => {
    const { code, stdout, stderr } = await run(['ask', question, '--data', usage, ...here])
    expect(code).toBe(0)
    expect(stdout).toContain('--sql lists them')
    expect(stdout).not.toContain('SELECT')
    expect(stderr).toContain(`using the server at ${url} (pid ${server.child.pid})`)
    expect(stderr).toMatch(/^sent usage\.csv$/m)
    expect(stderr).toMatch(/^completed in /m)
    // No terminal: no line that moves, no colours.
    expect(stdout + stderr).not.toContain('\u001b')
  })

  test('--sql shows the queries, --out saves the charts and says where', async () => {
    const out = join(directory.path, 'charts')
    const { code, stdout, stderr } = await run([
      'ask',
      question,
      '--data',
      usage,
      '--sql',
      '--out',
      out,
      ...here,
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('SELECT')
    expect(stdout).toContain('Figures, and the query each comes from')
    const names = await readdir(out)
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) {
      expect(await readFile(join(out, name), 'utf8')).toMatch(/^<svg/)
      expect(stderr).toContain(`saved ${join(out, name)}`)
    }
  })

  test('without --out nothing is written where the command runs', async () => {
    const cwd = join(directory.path, 'empty')
    await mkdir(cwd)
    await run(['ask', question, '--data', usage, ...here], { cwd })
    expect(await readdir(cwd)).toEqual([])
  })
})

test('without data: what is missing, exit 3, and the command it prints leads to the answer', async () => {
  const asked = await run(['ask', question, ...here])
  expect(asked.code).toBe(3)
  expect(asked.stdout).toMatch(/\[ \] time/)
  expect(asked.stdout).toMatch(/how to export it/)
  const [, thread = ''] =
    /npx holdfast ask 'Where does the money go\?' --thread (thr_\w+) .*--data FILE/.exec(asked.stdout) ?? []
  const answered = await run(['ask', question, '--thread', thread, '--data', usage, '--json', ...here])
  expect(answered.code).toBe(0)
  expect(readJson(answered).result).toMatchObject({ outcome: 'answered', threadId: thread })
})

test('--json without data: the request as in the events, and no answer', async () => {
  const ended = await run(['ask', question, '--json', ...here])
  expect(ended.code).toBe(3)
  const { result } = readJson(ended)
  expect(result).toMatchObject({ outcome: 'needs_data', answer: null })
  expect(Object.keys(result.request ?? {})).toEqual([
    'sufficiency',
    'items',
    'question',
    'template',
    'approval',
  ])
  expect(result.request?.items.map(({ field }) => field)).toContain('time')
})

describe('refused before anything is started: 2', () => {
  test.each<[string, readonly string[], string]>([
    ['an empty question', ['  '], 'The question is empty'],
    ['a question as long as a file', ['x'.repeat(20_000)], 'longer than 16384 characters'],
    ['a missing file', ['x', '--data', '/nowhere/a.csv'], '--data /nowhere/a.csv: there is no such file'],
    ['a directory', ['x', '--data', '/'], '--data /: is a directory'],
    ['a thread that is none', ['x', '--thread', 'run_01'], '--thread run_01: not a thread id'],
    ['a URL that is none', ['x', '--url', 'localhost:8080'], '--url localhost:8080: not an address'],
    ['an --out that is a file', ['x', '--out', import.meta.filename], 'is a file'],
    ['an unknown option', ['x', '--verbose'], 'unknown option'],
    ['two questions', ['x', 'y'], 'too many arguments'],
  ])('%s', async (_name, args, expected) => {
    const dataDir = join(directory.path, 'never')
    const { code, stdout, stderr } = await runHere(['ask', ...args, '--data-dir', dataDir])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(expected)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(existsSync(dataDir)).toBe(false)
  })

  test('a setting that cannot be used: 78', async () => {
    const { code, stderr } = await runHere(['ask', 'x', ...here], { HOLDFAST_MAX_FILE_BYTES: 'many' })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^holdfast: HOLDFAST_MAX_FILE_BYTES must be /)
  })
})

describe('refused by the server: 1, with what it said', () => {
  test('a file that is no data', async () => {
    const binary = join(directory.path, 'a.csv')
    await writeFile(binary, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 1, 2, 3]))
    const ended = await run(['ask', 'x', '--data', binary, '--json', ...here])
    expect(ended.code).toBe(1)
    const { events, result } = readJson(ended)
    expect(events).toEqual([])
    expect(result).toMatchObject({
      type: 'result',
      outcome: 'failed',
      runId: null,
      answer: null,
      request: null,
    })
    expect(ended.stderr).toContain(`holdfast: ${result.error?.message}`)
    expect(ended.stderr).not.toMatch(/\n {4}at /)
  })

  test('a thread that is not there', async () => {
    const thread = `thr_${'0'.repeat(26)}`
    const ended = await run(['ask', 'x', '--thread', thread, '--json', ...here])
    expect(ended.code).toBe(1)
    expect(readJson(ended).result).toMatchObject({
      outcome: 'failed',
      threadId: thread,
      error: { code: 'not_found' },
    })
  })
})

describe('--url', () => {
  test("this machine's own server is asked with its own token", async () => {
    const { code, stderr } = await run(['ask', question, '--url', url, ...here])
    expect(code).toBe(3)
    expect(stderr).not.toContain('using the server')
  })

  test('a wrong token is refused, and the way to give one is said', async () => {
    const { code, stderr } = await run(['ask', 'x', '--url', url], { env: { HOLDFAST_TOKEN: 'geheim' } })
    expect(code).toBe(1)
    expect(stderr).toContain('HOLDFAST_TOKEN')
    expect(stderr).not.toContain('geheim')
  })

  test('nobody there: one line', async () => {
    const port = await freePort()
    const { code, stdout, stderr } = await runHere(['ask', 'x', '--url', `http://127.0.0.1:${port}`])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `holdfast: Nothing answers at 127.0.0.1 port ${port}. Start the server, or check --url.\n`,
    )
  })

  test('a port that no client may use: one line too', async () => {
    const { code, stderr } = await runHere(['ask', 'x', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(stderr).toBe('holdfast: The server cannot be reached: bad port. Check --url.\n')
  })
})

test('a data directory that cannot be opened still ends in a result for --json', async () => {
  const file = join(directory.path, 'a-file')
  await writeFile(file, '')
  const { code, stdout, stderr } = await runHere(['ask', 'x', '--json', '--data-dir', file])
  expect(code).toBe(1)
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({ type: 'result', outcome: 'failed', threadId: null, runId: null })
  expect(stderr).toBe(`holdfast: ${result.error.message}\n`)
})

test('Ctrl-C while the server is being opened: nothing listens anymore, so the next one ends the process', async () => {
  // A database that takes the connection and never answers: opening it waits until the connection is cut.
  const connected = Promise.withResolvers<Socket>()
  const silent = createServer(connected.resolve)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  let stop = (): void => undefined
  let listening = false
  const asking = runHere(
    ['ask', 'x', '--data-dir', join(directory.path, 'waits')],
    { HOLDFAST_DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none` },
    (listener) => {
      stop = listener
      listening = true
      return () => {
        listening = false
      }
    },
  )
  const socket = await connected.promise
  expect(listening).toBe(true)
  stop()
  expect(listening).toBe(false)
  silent.close()
  socket.destroy()
  expect((await asking).code).toBe(1)
})

test('[R6] Ctrl-C cancels the run: its last event says so, 130', async () => {
  const large = join(directory.path, 'large.csv')
  await writeFile(large, [...sampleUsage({ rows: 200_000 })].join(''))
  await using asking = start(['ask', question, '--data', large, '--json', ...here])
  await asking.saw(/"type":"agent_started"/)
  asking.child.kill('SIGINT')
  const ended = await asking.ended
  expect(ended.code).toBe(130)
  const { events, result } = readJson(ended)
  expect(events.at(-1)).toMatchObject({ type: 'agent_cancelled', data: { by: 'user' } })
  expect(result).toMatchObject({ outcome: 'failed', error: { code: 'cancelled' } })
})

test('a reader that goes away takes nothing with it but the output', async () => {
  await using asking = start(['ask', question, '--data', usage, '--json', ...here])
  await asking.saw(/run_queued/)
  asking.child.stdout?.destroy()
  const { code, stderr } = await asking.ended
  expect(code).toBe(0)
  expect(stderr).not.toMatch(/EPIPE|\n {4}at /)
})

test('without a server one is opened in the process, and the directory is free again afterwards', async () => {
  await using fresh = await temporaryDirectory()
  const first = await run(['ask', question, '--data-dir', fresh.path, '--json'])
  expect(first.code).toBe(3)
  const { threadId } = readJson(first).result
  // The thread was stored: another process goes on in it.
  const second = await run([
    'ask',
    question,
    '--thread',
    `${threadId}`,
    '--data',
    usage,
    '--data-dir',
    fresh.path,
  ])
  expect(second.code).toBe(0)
  expect(second.stderr).not.toContain('using the server')
})
