import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileInfo } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestWorkspace, type TestWorkspace, untimed } from './workspace.test-support.ts'

// Both ways to a table: stored and attached, or held by the child that has read it.
describe.each([
  ['stored', {}],
  ['held', { heldFromBytes: 0 }],
] as const)('[D1] a table that is %s:', (way, limits) => {
  let here: TestWorkspace
  let file: FileInfo

  beforeAll(async () => {
    here = await openTestWorkspace({
      limits,
      sqlLimits: { deadlineMs: 10_000, residentBytes: 1_200 * 1024 * 1024 },
    })
    file = await here.upload(
      'numbers.csv',
      `n,word\n${Array.from({ length: 1_000 }, (_, n) => `${n},w${n % 7}`).join('\n')}`,
    )
  })
  afterAll(async () => await here[Symbol.asyncDispose]())

  const run = (sql: string) => here.query(file, sql)

  test('is where it should be', async () => {
    await here.profile(file)
    expect(existsSync(join(here.directory, 'tables', `${file.id}.duckdb`))).toBe(way === 'stored')
  })

  describe('SQL sees the thread’s tables', () => {
    test('every column is text, and a view of the server’s own types it', async () => {
      const [raw, typed] = await here.workspace.thread(here.principal, here.threadId).runSql(
        {
          tables: [{ name: 'raw numbers', fileId: file.id }],
          prepare: ['CREATE VIEW v AS SELECT try_cast(n AS DOUBLE) AS n, word FROM "raw numbers"'],
          queries: [
            { id: 'raw', sql: 'SELECT n, word FROM "raw numbers" WHERE n = \'10\'' },
            { id: 'typed', sql: 'SELECT word, sum(n) AS total FROM v GROUP BY word ORDER BY word LIMIT 1' },
          ],
        },
        untimed(),
      )
      expect(raw).toEqual({
        id: 'raw',
        sql: expect.any(String),
        columns: ['n', 'word'],
        rows: [['10', 'w3']],
        truncated: false,
      })
      expect(typed).toMatchObject({ columns: ['word', 'total'], rows: [['w0', 71_071]] })
    })

    test('rows beyond the limit are not fetched, and the result says so', async () => {
      const job = {
        tables: [{ name: 't', fileId: file.id }],
        prepare: [],
        queries: [{ id: 'q', sql: 'FROM t', maxRows: 3 }],
      }
      const [few] = await here.workspace.thread(here.principal, here.threadId).runSql(job, untimed())
      expect(few).toMatchObject({
        truncated: true,
        rows: [
          ['0', 'w0'],
          ['1', 'w1'],
          ['2', 'w2'],
        ],
      })
      expect(await run('FROM range(10000)')).toMatchObject({ truncated: false })
      const many = await run('FROM range(10001)')
      expect([many.truncated, many.rows.length]).toEqual([true, 10_000])
    })

    test('a result of huge texts stops at its size, and a huge cell is cut', async () => {
      const { rows, truncated } = await run("SELECT repeat('x', 40000) FROM range(9000)")
      expect(truncated).toBe(true)
      expect(rows.length).toBeLessThan(600)
      expect(String(rows[0]?.[0])).toHaveLength(32 * 1024)
    })

    test('values travel as JSON: times in UTC, decimals as numbers, what does not fit as text', async () => {
      const { rows } = await run(
        `SELECT TIMESTAMP '2026-09-01 02:00:07.188', TIMESTAMPTZ '2026-09-01 02:00:00+02', DATE '2026-09-01', 1.5::DECIMAL(5, 2),
       9007199254740993, 5::BIGINT, 'NaN'::DOUBLE, true, NULL, [1, 2], {'a': 1}`,
      )
      expect(rows[0]).toEqual([
        '2026-09-01T02:00:07.188Z',
        '2026-09-01T00:00:00Z',
        '2026-09-01',
        1.5,
        '9007199254740993',
        5,
        'NaN',
        true,
        null,
        '[1, 2]',
        "{'a': 1}",
      ])
    })

    test('a failure names the candidates and no path of the server', async () => {
      await expect(run('SELECT wrod FROM t')).rejects.toMatchObject({
        code: 'sql_failed',
        message: expect.stringMatching(/"wrod" not found.*Candidate bindings: "word"/),
      })
      await expect(run('SELEC 1')).rejects.toMatchObject({
        code: 'sql_failed',
        message: expect.stringContaining('syntax error'),
      })
      const shown = await run('SELECT n FROM tt').catch((error: unknown) => String(error))
      expect(shown).not.toContain(here.directory)
    })
  })

  describe('what is refused or killed leaves the server and the next job unharmed', () => {
    test.each([
      ['sql_refused', "SELECT * FROM read_csv('/etc/passwd')"],
      ['sql_refused', "FROM '/etc/passwd'"],
      ['sql_refused', "COPY t TO '%/stolen.csv'"],
      ['sql_refused', "ATTACH '%/new.db'"],
      ['sql_refused', 'INSTALL httpfs'],
      ['sql_refused', 'LOAD httpfs'],
      ['sql_refused', "SELECT * FROM enable_logging('QueryLog', storage_path = '%/logs')"],
      ['sql_refused', "SELECT write_log('x')"],
      ['sql_refused', 'SELECT pg_sleep(60)'],
      ['sql_refused', "SELECT current_setting('temp_directory')"],
      ['sql_refused', "SELECT getvariable('x')"],
      ['sql_refused', 'SET lock_configuration = false'],
      ['sql_refused', 'SELECT 1; DROP VIEW t'],
      ['sql_refused', 'CREATE TABLE x AS SELECT 1'],
      ['sql_refused', "EXPLAIN ANALYZE COPY t TO '%/stolen.csv'"],
      ['sql_refused', 'PIVOT t ON word USING count(*)'],
      ['sql_refused', 'SELECT $1'],
      ['sql_refused', `SELECT '${'x'.repeat(70_000)}'`],
      ['sql_failed', "SELECT error('no')"],
      ['sql_timeout', 'SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b'],
      // Depending on where it is met: DuckDB's own limit, the kernel's, the watchdog's, or the deadline's SIGKILL.
      ['sql_memory|sql_timeout', "SELECT length(repeat('x', 3000000000))"],
      ['sql_memory|sql_timeout', "SELECT length(repeat('x', 2000000000))"],
      ['sql_memory|sql_timeout', "SELECT list(repeat('x', 1000000)) FROM range(100000)"],
    ])('%s: %s', async (codes, sql) => {
      const refused = await run(sql.replace('%', here.directory)).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      )
      expect(codes.split('|')).toContain(refused)
      expect(existsSync(join(here.directory, 'stolen.csv'))).toBe(false)
      expect(existsSync(join(here.directory, 'new.db'))).toBe(false)
      expect(existsSync(join(here.directory, 'logs'))).toBe(false)
      expect((await run('SELECT count(*) FROM t')).rows).toEqual([[1_000]])
      expect(await readdir(join(here.directory, 'jobs'))).toEqual([])
    })

    test('even SQL of the server’s own cannot leave the process after the lock', async () => {
      const prepare = (statement: string) =>
        here.workspace.thread(here.principal, here.threadId).runSql(
          {
            tables: [{ name: 't', fileId: file.id }],
            prepare: [statement],
            queries: [{ id: 'q', sql: 'SELECT 1' }],
          },
          untimed(),
        )
      for (const statement of [
        "CREATE VIEW v AS SELECT * FROM read_text('/etc/passwd')",
        `COPY t TO '${here.directory}/stolen.csv'`,
        `ATTACH '${here.directory}/new.db'`,
        'SET enable_external_access = true',
        "SET temp_directory = '/tmp'",
        'INSERT INTO "file 0".raw VALUES (1, 2)',
      ])
        await expect(prepare(statement), statement).rejects.toMatchObject({ code: 'sql_failed' })
    })

    test('the lock is complete: there is no directory to spill to either, which SQL could read and write', async () => {
      const locked = {
        allow_community_extensions: 'false',
        allow_persistent_secrets: 'false',
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        enable_external_access: 'false',
        lock_configuration: 'true',
        temp_directory: '',
        TimeZone: 'UTC',
      }
      const names = Object.keys(locked).map((name) => `'${name}'`)
      const job = {
        tables: [{ name: 't', fileId: file.id }],
        prepare: [
          `CREATE TABLE s AS SELECT name, value FROM duckdb_settings() WHERE name IN (${names.join(', ')})`,
        ],
        queries: [{ id: 'q', sql: 'FROM s' }],
      }
      const [settings] = await here.workspace.thread(here.principal, here.threadId).runSql(job, untimed())
      expect(Object.fromEntries(settings?.rows ?? [])).toEqual(locked)
    })

    test('a job stops when its caller gives up', async () => {
      const gone = new AbortController()
      const job = {
        tables: [{ name: 't', fileId: file.id }],
        prepare: [],
        queries: [{ id: 'q', sql: 'SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b' }],
      }
      const running = here.workspace.thread(here.principal, here.threadId).runSql(job, gone.signal)
      gone.abort(new Error('the caller left'))
      await expect(running).rejects.toThrow('the caller left')
    })

    test('too many queries in one job are refused', async () => {
      const queries = Array.from({ length: 101 }, (_, id) => ({ id: String(id), sql: 'SELECT 1' }))
      await expect(
        here.workspace
          .thread(here.principal, here.threadId)
          .runSql({ tables: [], prepare: [], queries }, untimed()),
      ).rejects.toMatchObject({ code: 'sql_refused' })
    })
  })
})
