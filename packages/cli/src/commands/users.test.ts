import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@holdfast/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, runHere, start, temporaryDirectory } from '../holdfast.test-support.ts'
import { sampleUsage } from '../sample/sample-usage.ts'

/** Each command opens the database: long on a machine that does other things as well. */
const patienceMs = 120_000

// One directory for all: making a database takes seconds, opening one does not.
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory[Symbol.asyncDispose]())

const users = (...args: string[]) => runHere(['users', ...args], { HOLDFAST_DATA_DIR: directory.path })

test(
  'a service account has a token that works; disabled it does not, enabled it does again',
  async () => {
    const made = await users('service', 'nightly report', '--read-only', '--days', '30')
    const [id = '', token = '', note] = made.stdout.split('\n')
    expect([made.code, note]).toEqual([0, 'The token is shown now and never again. It is good for 30 days.'])
    const listed = await users('list')
    expect(listed.stdout).toBe(
      `${id}  service  enabled  nightly report  nightly report of holdfast:service\n`,
    )
    expect(listed.stdout).not.toContain(token.slice(-43))

    const kinds = async (): Promise<string> => {
      await using server = start(['serve', '--port', '0', '--data-dir', directory.path])
      const [, url = ''] = await server.saw(/Holdfast is at (\S+)/)
      await server.saw(/Ctrl-C/)
      await using client = createClient({ url, token })
      try {
        return (await client.session()).kind
      } catch (error) {
        return String(Reflect.get(error as Error, 'code'))
      }
    }
    expect(await users('disable', id)).toMatchObject({ code: 0, stdout: `${id} is disabled\n` })
    const json = JSON.parse((await users('list', '--json')).stdout) as unknown
    expect(json).toMatchObject({ id, kind: 'service', disabledAt: expect.any(String) })
    expect(await kinds()).toBe('unauthenticated')
    expect(await users('disable', id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('users list'),
    })
    expect(await users('enable', id)).toMatchObject({ code: 0 })
    expect(await users('sign-out', id)).toMatchObject({ code: 0 })
    expect(await kinds()).toBe('service')
  },
  patienceMs,
)

test(
  'what is kept of a user goes out with its files, and goes away as a whole',
  async () => {
    await using place = await temporaryDirectory()
    const dataDir = join(place.path, 'data')
    const own = ['--data-dir', dataDir]
    const csv = [...sampleUsage({ rows: 50 })].join('')
    await writeFile(join(place.path, 'usage.csv'), csv)
    expect(
      (await runHere(['ask', 'what is in this file?', ...own, '--data', join(place.path, 'usage.csv')])).code,
    ).toBe(0)
    const listed = await runHere(['users', 'list'], { HOLDFAST_DATA_DIR: dataDir })
    const [id = ''] = listed.stdout.split(' ')

    const out = join(place.path, 'export')
    const exported = await runHere(['users', 'export', id, '--to', out, ...own])
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    expect(exported.stdout).toMatch(/holds \d+ lines and [1-9]\d* files, /)
    const lines = (await readFile(join(out, 'account', '00000000.ndjson'), 'utf8')).trimEnd().split('\n')
    const types = new Set(lines.map((line) => (JSON.parse(line) as { type: string }).type))
    expect(types).toEqual(new Set(['user', 'thread', 'file', 'event', 'audit']))
    const [thread = ''] = await readdir(join(out, 'files'))
    const files = await readdir(join(out, 'files', thread))
    const upload = files.find((name) => name.startsWith('fil_')) ?? ''
    expect(upload).toMatch(/\.csv$/)
    expect(await readFile(join(out, 'files', thread, upload), 'utf8')).toBe(csv)

    expect((await runHere(['users', 'delete', id, ...own])).code).toBe(2)
    const stopAtOnce = (listener: () => void) => {
      listener()
      return () => undefined
    }
    const stopped = await runHere(['users', 'delete', id, '--yes', ...own], {}, stopAtOnce)
    expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('the rest goes as soon as') })
    expect(stopped.stderr).not.toContain('nothing was changed')
    expect(await runHere(['users', 'delete', id, '--yes', ...own])).toMatchObject({
      code: 0,
      stdout: `${id} is deleted\n`,
    })
    expect(await readdir(join(dataDir, 'blobs'))).toEqual(['partial'])
    const nothing = await runHere(['users', 'export', id, '--to', join(place.path, 'again'), ...own])
    expect(nothing.stdout).toMatch(/ 0 files/)
    const unknown = id.replace(/.{4}$/, '0000')
    expect(await runHere(['users', 'delete', unknown, '--yes', ...own])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no user'),
    })
  },
  patienceMs,
)

test('an account whose tokens come from elsewhere gets none here', async () => {
  const pinned = ['--issuer', 'https://accounts.example.test', '--subject', '1234']
  const { code, stdout } = await users('service', 'deployer', ...pinned)
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^usr_\w+ is 1234 of https:.*\n$/)])
  expect(await users('service', 'x', '--subject', '1')).toMatchObject({ code: 2 })
  // What they may do is said where they are made: here it would be said in vain.
  for (const limit of [['--read-only'], ['--days', '30']])
    expect(await users('service', 'deployer', ...pinned, ...limit)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--read-only and --days'),
    })
  const [id = ''] = stdout.split(' ')
  await using place = await temporaryDirectory()
  const out = join(place.path, 'export')
  const exported = await users('export', id, '--to', out)
  expect(exported).toMatchObject({ code: 0, stderr: '' })
  expect(await readFile(join(out, 'account', '00000000.ndjson'), 'utf8')).toContain('service_account_pinned')
})

test('a user whom nobody knows is signed out nowhere', async () => {
  expect(await users('sign-out', 'usr_01K00000000000000000000000')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no user usr_01K00000000000000000000000;'),
  })
})

test.each([[['disable', 'ann']], [['service', 'x', '--days', '91']], [['service']]])(
  '%j is usage: 2',
  async (args) => {
    expect((await users(...args)).code).toBe(2)
  },
)

test('a data directory that a server has is refused with its pid: 73', async () => {
  await using server = start(['serve', '--port', '0', '--data-dir', directory.path])
  await server.saw(/Ctrl-C/)
  const { code, stderr } = await run(['users', 'list'], { env: { HOLDFAST_DATA_DIR: directory.path } })
  expect([code, stderr]).toEqual([73, expect.stringContaining(String(server.child.pid))])
})
