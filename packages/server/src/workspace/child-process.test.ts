import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FromChild } from './child-jobs.ts'
import { runChild } from './child-process.ts'
import { type SqlLimits, sqlLimits } from './sql-limits.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-child-'))
  await mkdir(join(directory, 'job'))
})
afterAll(async () => await rm(directory, { recursive: true }))

const job = { tables: [], prepare: [], queries: [], sql: sqlLimits }

/** Runs a child of the given source. It leaves its pid in the job's directory. */
async function run(
  source: string,
  limits: Partial<SqlLimits> & { deadlineMs?: number } = {},
  gone = new AbortController(),
): Promise<FromChild[]> {
  const program = join(directory, 'child.mjs')
  await writeFile(
    program,
    `import fs from 'node:fs'; fs.writeFileSync('pid', String(process.pid)); ${source}`,
  )
  const messages: FromChild[] = []
  await runChild(
    {
      message: { type: 'query', job },
      directory: join(directory, 'job'),
      deadlineMs: limits.deadlineMs ?? 20_000,
      limits: { ...sqlLimits, ...limits },
      program,
      onMessage: (message) => {
        messages.push(message)
        if (message.type === 'result') gone.abort(new Error('enough'))
      },
    },
    gone.signal,
  )
  return messages
}

async function expectGone(): Promise<void> {
  const pid = Number(await readFile(join(directory, 'job/pid'), 'utf8'))
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
}

const forever = 'setInterval(() => {}, 1000);'

test('a child has no environment, and the job’s directory', async () => {
  await run(
    `const env = Object.keys(process.env).filter((name) => !name.startsWith('NODE_CHANNEL_'));
     fs.writeFileSync('seen', JSON.stringify([env, process.cwd()]));
     process.send({ type: 'done' }, () => process.exit(0))`,
  )
  expect(JSON.parse(await readFile(join(directory, 'job/seen'), 'utf8'))).toEqual([
    [],
    join(directory, 'job'),
  ])
  await expectGone()
})

test('one that ends without an answer is a failure that says so', async () => {
  await expect(run('process.exit(3)')).rejects.toMatchObject({
    code: 'sql_failed',
    message: expect.stringContaining('exit code 3'),
  })
  await expect(run("process.kill(process.pid, 'SIGSEGV')")).rejects.toMatchObject({
    code: 'sql_failed',
    message: expect.stringContaining('SIGSEGV'),
  })
})

test('one that sends what is no message is killed, and believed nothing', async () => {
  await expect(run(`process.send({ type: 'result', rows: 'all of them' }); ${forever}`)).rejects.toThrow(
    'sent what is no message',
  )
  await expectGone()
})

test('one that ignores the interrupt is killed after the deadline', async () => {
  await expect(
    run(`process.on('message', () => {}); for (;;);`, { deadlineMs: 300, killAfterMs: 200 }),
  ).rejects.toMatchObject({
    code: 'sql_timeout',
    message: expect.stringContaining('300 ms'),
  })
  await expectGone()
})

test('one that grows beyond its memory is killed', async () => {
  const grow = `const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 5);`
  await expect(run(grow, { residentBytes: 300e6, watchdogMs: 10 })).rejects.toMatchObject({
    code: 'sql_memory',
  })
  await expectGone()
})

test('an abort kills it, also in the middle of its answers', async () => {
  const answer = `process.send({ type: 'result', id: 'x', columns: [], rows: [], truncated: false }); ${forever}`
  await expect(run(answer)).rejects.toThrow('enough')
  await expectGone()
})

test('what the child reports is what the caller gets', async () => {
  const refuse = `process.send({ type: 'failed', code: 'sql_refused', message: 'Not this.' }, () => process.exit(0))`
  await expect(run(refuse)).rejects.toMatchObject({ code: 'sql_refused', message: 'Not this.' })
})
