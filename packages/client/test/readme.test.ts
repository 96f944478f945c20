import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { type FileInfo, type Run, start, type Thread } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { hasChromium, openPage } from './chromium.test-support.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'
import { servePage } from './page-server.test-support.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const [ask = '', applyOnce = '', page = '', ...others] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code,
)

interface Program extends AsyncDisposable {
  readonly directory: string
  /** Runs it up to its end, or until its output says enough; then it is killed as no program can prepare for. */
  run(args: readonly string[], enough?: (output: string) => boolean): Promise<string>
}

/** An example in a directory of its own, with the packages of the repository. */
async function program(code: string): Promise<Program> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-readme-'))
  const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  await symlink(modules, join(directory, 'node_modules'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await writeFile(join(directory, 'example.ts'), code)
  return {
    directory,
    run: (args, enough = () => false) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, ['example.ts', ...args], { cwd: directory })
        let output = ''
        let errors = ''
        child.stdout.on('data', (chunk: Buffer) => {
          output += String(chunk)
          if (enough(output)) child.kill('SIGKILL')
        })
        child.stderr.on('data', (chunk: Buffer) => {
          errors += String(chunk)
        })
        child.once('close', (code, signal) => {
          if (code === 0 || signal === 'SIGKILL') resolve(output)
          else reject(new Error(errors))
        })
      }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

function answerRequests(server: FakeServer, run: Run): void {
  const createdAt = new Date().toISOString()
  const { threadId } = server
  const thread: Thread = { id: threadId, title: 'Costs', createdAt, head: start }
  const file: FileInfo = {
    id: makeId('file'),
    threadId,
    name: 'requests.csv',
    kind: 'csv',
    bytes: 4,
    sha256: '0',
    createdAt,
  }
  const answers: Readonly<Record<string, object>> = {
    '/v1/threads': thread,
    [`/v1/threads/${threadId}/files`]: file,
    [`/v1/threads/${threadId}/runs`]: run,
  }
  server.respond = (request, response) => {
    request.resume()
    request.on('end', () => {
      const answer = answers[request.url ?? '']
      response.writeHead(answer === undefined ? 404 : 201, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer ?? {}))
    })
  }
}

test('there are three examples', () => {
  expect([ask, applyOnce, page].every((code) => code.length > 0)).toBe(true)
  expect(others).toEqual([])
})

test('README: ask, and follow the run', async () => {
  await using server = await openFakeServer()
  await using example = await program(ask)
  const createdAt = new Date().toISOString()
  const { threadId } = server
  const run: Run = {
    id: server.runId,
    threadId,
    agent: 'data-helper',
    model: null,
    status: 'queued',
    attempt: 0,
    createdAt,
    queuedAt: 1 as Run['queuedAt'],
  }
  answerRequests(server, run)
  server.append(2)
  server.complete('All of it to one tenant')
  await writeFile(join(example.directory, 'requests.csv'), 'a,b\n')
  expect(await example.run([server.url, token, 'requests.csv'])).toBe(
    'x\nx\nanswered All of it to one tenant\n',
  )
})

test('README: [K1] killed over and over, the program with SQLite has applied exactly the log', async () => {
  await using server = await openFakeServer()
  await using example = await program(applyOnce)
  const args = [server.url, token, server.threadId, 'state.sqlite']
  // Only what was not applied before is printed: each life gets 700 events and is ended somewhere among them.
  for (let total = 700; total <= 3_500; total += 700) {
    server.append(700)
    await example.run(args, (output) => output.split('\n').some((line) => Number(line) >= total - 350))
  }
  using database = new DatabaseSync(join(example.directory, 'state.sqlite'))
  const rows = database.prepare('SELECT seq FROM line ORDER BY rowid').all()
  const places = rows.map((row) => Number(row['seq']))
  expect(places.length).toBeGreaterThan(2_800)
  expect(places).toEqual(places.map((_, index) => index + 1))
})

test.skipIf(!hasChromium)('README: a page that remembers (needs /usr/bin/chromium)', async () => {
  await using server = await openFakeServer()
  // A browser has its cookie and sends no token.
  server.token = ''
  server.respond = (request, response) => {
    const { pathname } = new URL(request.url ?? '', server.url)
    const example = { type: 'text/javascript', body: stripTypeScriptTypes(page) }
    void (pathname === '/example.js' ? Promise.resolve(example) : servePage(pathname)).then((found) =>
      found === null
        ? response.writeHead(404).end()
        : response.writeHead(200, { 'content-type': found.type }).end(found.body),
    )
  }
  server.append(120)
  await using browser = await openPage(`${server.url}/page?thread=${server.threadId}`)
  const stored = (count: number): Promise<unknown> =>
    browser.evaluate(`(async () => {
      for (;;) {
        const opening = indexedDB.open('my-app')
        const database = await new Promise((resolve) => { opening.onsuccess = () => resolve(opening.result) })
        if (!database.objectStoreNames.contains('events')) { database.close(); continue }
        const reading = database.transaction('events').objectStore('events').getAll()
        const events = await new Promise((resolve) => { reading.onsuccess = () => resolve(reading.result) })
        database.close()
        if (events.length >= ${count}) return events.map(({ seq }) => seq)
      }
    })()`)
  // Not awaited: it goes on for as long as the page is there.
  await browser.evaluate(`void import('/example.js')`)
  await server.seen((frame) => frame.type === 'hello')
  server.append(80)
  expect(await stored(200)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  expect(await browser.evaluate('document.title')).toBe('ready')
})
