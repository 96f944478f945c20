import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { AskResult } from '../src/ask/result.ts'
import { type Running, runHere, start, temporaryDirectory } from '../src/holdfast.test-support.ts'

/**
 * The main job from end to end, on real traces and on exports with planted answers: a question and a file go in,
 * a checked answer or an exact request comes out.
 */
const shared = join(import.meta.dirname, '../../../../shared/data')
const present = existsSync(shared)
const azure = join(shared, 'azure-llm-2023/AzureLLMInferenceTrace_code.csv')
const exports = (name: string): string => join(shared, 'synthetic-exports', name)

// Each question is a whole run with child processes; several a test, on a machine that does other things as well.
vi.setConfig({ testTimeout: 120_000 })

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let server: Running
let here: readonly string[] = []

beforeAll(async () => {
  directory = await temporaryDirectory()
  const dataDir = join(directory.path, 'data')
  server = start(['serve', '--port', '0', '--data-dir', dataDir])
  await server.saw(/is at (\S+)/)
  here = ['--data-dir', dataDir]
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

interface Asked {
  readonly code: number | null
  readonly result: AskResult
  readonly stderr: string
}

async function ask(question: string, ...args: readonly string[]): Promise<Asked> {
  const { code, stdout, stderr } = await runHere(['ask', question, '--json', ...here, ...args])
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  return { code, stderr, result: JSON.parse(last) as AskResult }
}

const figureOf = ({ result }: Asked, label: string): unknown =>
  result.answer?.figures.find((figure) => figure.label === label)?.value

/** Rows of one query as objects. */
function rowsOf({ result }: Asked, id: string): Record<string, unknown>[] {
  const query = result.answer?.queries.find((each) => each.id === id)
  return (query?.rows ?? []).map((row) =>
    Object.fromEntries(query?.columns.map((column, index) => [column, row[index]]) ?? []),
  )
}

/** The CSV without one column, or with it renamed. */
async function changed(name: string, column: string, as: string | null): Promise<string> {
  const lines = (await readFile(exports(name), 'utf8')).trimEnd().split('\n')
  const at = lines[0]?.split(',').indexOf(column) ?? -1
  const edited = lines.map((line, row) => {
    const cells = line.split(',')
    if (as === null) cells.splice(at, 1)
    else if (row === 0) cells[at] = as
    return cells.join(',')
  })
  const path = join(directory.path, `${as ?? 'without'}-${column}.csv`)
  await writeFile(path, `${edited.join('\n')}\n`)
  return path
}

const money = 'Where does the money go?'
const slow = 'Why is it slow, what is our p95?'

describe.skipIf(!present)('golden numbers (needs ../shared/data)', () => {
  test('capacity of a real trace: 585 requests and 1,257,868 tokens a minute, at 18:31', async () => {
    const asked = await ask('What is our peak load in requests and tokens per minute?', '--data', azure)
    expect(asked.code).toBe(0)
    expect(asked.result).toMatchObject({ outcome: 'answered', playbook: 'capacity' })
    expect(figureOf(asked, 'Peak requests per minute')).toBe(585)
    expect(figureOf(asked, 'Peak tokens per minute')).toBe(1_257_868)
    expect(String(figureOf(asked, 'Minute of the request peak'))).toContain('18:31')
    expect(asked.result.answer?.text).toMatch(/585.*18:31.*1,257,868/s)
  })

  test('cost of a table of the user’s own: total and every split', async () => {
    const asked = await ask(money, '--data', exports('generic_requests.csv'))
    expect(asked.code).toBe(0)
    expect(figureOf(asked, 'Total cost')).toBe(24.120929)
    expect(figureOf(asked, 'Cost of gpt-5')).toBe(15.313071)
    expect(figureOf(asked, 'Cost of acme')).toBe(16.706924)
    expect(figureOf(asked, 'Cost of nightly_summaries')).toBe(8.650491)
    expect(asked.result.answer?.charts.length).toBeGreaterThan(0)
    for (const query of asked.result.answer?.queries ?? []) expect(query.verified).toBe(true)
  })

  test('latency: quantiles of the successful requests, and the slow window by name', async () => {
    const asked = await ask(slow, '--data', exports('generic_requests.csv'))
    expect(asked.code).toBe(0)
    expect([50, 95, 99].map((at) => figureOf(asked, `Latency p${at}`))).toEqual([3_481, 9_619, 14_492])
    expect(asked.result.answer?.text).toMatch(/claude-sonnet-4-5.*8 Oct 2026 15:00.*8 Oct 2026 17:00/s)
  })

  test('a simple question is a table of playbook 12', async () => {
    const asked = await ask('average latency by tenant', '--data', exports('generic_requests.csv'))
    expect(asked).toMatchObject({ code: 0, result: { outcome: 'answered', playbook: 'any_table' } })
    expect(rowsOf(asked, 'answer').map(({ tenant, rows }) => [tenant, rows])).toEqual([
      ['globex', 1_207],
      ['acme', 2_599],
      ['initech', 651],
    ])
    expect(asked.result.answer?.text).toContain('I read this as: mean of latency_ms by tenant')
  })

  test.each([
    ['litellm_spendlogs.csv', 24.120929],
    // No failed rows: the same total less what failed requests cost.
    ['openrouter_activity.csv', 24.051432],
    ['langfuse_observations_v2.jsonl', 24.120929],
  ])('the same totals from %s', async (name, total) => {
    const asked = await ask(money, '--data', exports(name))
    expect(asked.code).toBe(0)
    expect(figureOf(asked, 'Total cost')).toBe(total)
    const latency = await ask(slow, '--data', exports(name))
    expect([50, 95, 99].map((at) => figureOf(latency, `Latency p${at}`))).toEqual([3_481, 9_619, 14_492])
  })
})

describe.skipIf(!present)('exactly what is missing is asked for (needs ../shared/data)', () => {
  test('[D2] without a file: time, model, cost or tokens, and how to export them; with it, the same thread answers', async () => {
    const first = await ask(money)
    expect(first).toMatchObject({ code: 3, result: { outcome: 'needs_data', answer: null } })
    const items = first.result.request?.items ?? []
    expect(items.map(({ field }) => field)).toEqual(['time', 'model', 'cost_usd'])
    for (const { howTo, why, format, sample, unlocks } of items) {
      for (const text of [why, format, sample, unlocks]) expect(text).not.toBe('')
      const providers = howTo.map(({ provider }) => provider)
      expect(providers).toEqual(
        expect.arrayContaining(['OpenAI', 'Anthropic', 'OpenRouter', 'LiteLLM', 'Langfuse']),
      )
    }
    const second = await ask(
      'here it is',
      '--thread',
      first.result.threadId ?? '',
      '--data',
      exports('generic_requests.csv'),
    )
    expect(second.code).toBe(0)
    expect(figureOf(second, 'Total cost')).toBe(24.120929)
  })

  test('[D2] latency without its column asks for exactly that', async () => {
    const asked = await ask(slow, '--data', await changed('generic_requests.csv', 'latency_ms', null))
    expect(asked).toMatchObject({ code: 3, result: { outcome: 'needs_data' } })
    expect(asked.result.request?.items.map(({ field }) => field)).toEqual(['latency_ms'])
  })

  test('[D2] cost without models is partial, and says what it cannot split', async () => {
    const asked = await ask(money, '--data', await changed('generic_requests.csv', 'model', null))
    expect(asked).toMatchObject({ code: 4, result: { outcome: 'partial' } })
    expect(figureOf(asked, 'Total cost')).toBe(24.120929)
    expect(asked.result.request?.items.map(({ field }) => field)).toEqual(['model'])
  })

  test('a unit nobody can tell is one question with choices, and the choice is enough to go on', async () => {
    const lines = ['timestamp,model,tenant,duration']
    for (let row = 0; row < 1_500; row += 1)
      lines.push(
        `${new Date(Date.UTC(2026, 8, 1, 0, row, (row * 37) % 60, row % 1_000)).toISOString()},m1,acme,${300 + (row % 700)}`,
      )
    const path = join(directory.path, 'duration.csv')
    await writeFile(path, lines.join('\n'))
    const asked = await ask(slow, '--data', path)
    expect(asked).toMatchObject({ code: 3, result: { outcome: 'needs_data' } })
    expect(asked.result.request?.items).toEqual([])
    expect(asked.result.request?.question?.choices.map(({ value }) => value)).toEqual(
      expect.arrayContaining(['ms', 's']),
    )
    const answered = await ask('milliseconds', '--thread', asked.result.threadId ?? '')
    expect(answered.result.outcome).toBe('answered')
    expect(figureOf(answered, 'Latency p50')).toBe(624)
  })
})

describe('what goes wrong is said, and never hangs', () => {
  const file = async (name: string, content: string | Buffer): Promise<string> => {
    const path = join(directory.path, name)
    await writeFile(path, content)
    return path
  }

  test.each([
    ['an empty file', '', 2],
    ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 0, 0, 0, 255]), 1],
    ['a bomb of a gzip', gzipSync(Buffer.alloc(300 * 1024 * 1024, 'a,b\n')), 1],
  ])('%s', async (name, content, code) => {
    const { code: exit, stderr } = await runHere([
      'ask',
      money,
      ...here,
      '--data',
      await file(`${name.replaceAll(' ', '-')}.csv`, content),
    ])
    expect(exit).toBe(code)
    expect(stderr).toMatch(/(holdfast|failed): .+\./)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('a file with a header and no rows asks for rows', async () => {
    const asked = await ask(money, '--data', await file('no-rows.csv', 'timestamp,model,cost_usd\n'))
    expect(asked).toMatchObject({ code: 3, result: { outcome: 'needs_data' } })
  })

  test('two hundred columns', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `c${index}`)
    const rows = Array.from({ length: 50 }, (_, row) => names.map((_name, index) => row * index).join(','))
    const asked = await ask(
      'what is in this file?',
      '--data',
      await file('wide.csv', [names.join(','), ...rows].join('\n')),
    )
    expect(asked.code).toBe(0)
    expect(figureOf(asked, 'Columns')).toBe(200)
  })

  test('duplicate headers stay apart', async () => {
    const asked = await ask(
      'total cost_2 by cost',
      '--data',
      await file('twice.csv', 'cost,cost\na,1\na,2\nb,5\n'),
    )
    expect(asked.code).toBe(0)
    expect(rowsOf(asked, 'answer').map((row) => Object.values(row).slice(0, 2))).toEqual([
      ['b', 5],
      ['a', 3],
    ])
  })

  test('[D1] SQL that reaches for files, settings or memory is refused or killed, and the next question is answered', async () => {
    const path = await file('small.csv', 'a,b\n1,2\n')
    for (const sql of [
      "SELECT * FROM read_csv('/etc/passwd')",
      "COPY data TO '/tmp/stolen.csv'",
      "ATTACH '/tmp/other.db' AS other",
      'INSTALL httpfs',
      "SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_path = '/tmp/log')",
      "SELECT length(repeat('x', 3000000000))",
    ]) {
      const asked = await ask(sql, '--data', path)
      expect([sql, asked.code, asked.result.outcome]).toEqual([sql, 1, 'failed'])
      expect(existsSync('/tmp/stolen.csv') || existsSync('/tmp/log')).toBe(false)
    }
    expect((await ask('SELECT count(*) FROM data', '--data', path)).code).toBe(0)
  })

  test('a poem is not data: it says so, and what it can do', async () => {
    const asked = await ask('write me a poem')
    expect(asked).toMatchObject({ code: 3, result: { outcome: 'needs_data' } })
    expect(asked.result.request?.question?.choices.length).toBeGreaterThan(2)
  })
})
