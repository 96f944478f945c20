import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readLocalAccess } from '@holdfast/server/start'
import { describe, expect, test } from 'vitest'
import { startTestPostgres } from '../../server/src/store/testing/postgres.ts'
import type { AskResult } from '../src/ask/result.ts'
import {
  type Ended,
  type Running,
  run,
  runHere,
  start,
  temporaryDirectory,
} from '../src/holdfast.test-support.ts'
import { sampleUsage } from '../src/sample/sample-usage.ts'

const postgres = await startTestPostgres()
/** Three servers start and two questions are answered: long on a machine that does other things as well. */
const patienceMs = 180_000

test.each([
  ['web', {}, /^holdfast: HOLDFAST_ROLE \(or --role\) is web.*HOLDFAST_DATABASE_URL/],
  ['worker', {}, /^holdfast: HOLDFAST_ROLE \(or --role\) is worker.*HOLDFAST_DATABASE_URL/],
  ['worker', { HOLDFAST_DATABASE_URL: 'postgres://127.0.0.1:1/x' }, /^holdfast: .*HOLDFAST_FILES is not set/],
])('serve --role %s without what it needs is one line and 78', async (role, env, expected) => {
  await using directory = await temporaryDirectory()
  const args = ['serve', '--role', role, '--port', '0', '--data-dir', directory.path]
  const { code, stdout, stderr } = await run(args, { env })
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toMatch(expected)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

describe.skipIf(!postgres.available)(`several servers on one PostgreSQL${postgres.note}`, () => {
  test(
    'a web node and two workers answer a client that knows the web node only, from a file uploaded there',
    async () => {
      await using directory = await temporaryDirectory()
      await using database = await postgres.createDatabase()
      await using opened = new AsyncDisposableStack()
      const dataDirOf = (name: string): string => join(directory.path, name)
      const serve = async (name: string, role: string): Promise<{ node: Running; url: string }> => {
        const node = start(['serve', '--role', role, '--port', '0', '--data-dir', dataDirOf(name)], {
          env: {
            HOLDFAST_DATABASE_URL: database.connectionString,
            HOLDFAST_FILES: dataDirOf('files'),
          },
        })
        opened.use(node)
        const [, url = ''] = await node.saw(/(http:\/\/[^/\s]+)/)
        await node.saw(/Ctrl-C/)
        return { node, url }
      }
      const web = await serve('web', 'web')
      const workers = [await serve('one', 'worker'), await serve('other', 'worker')] as const
      const file = join(directory.path, 'usage.csv')
      await writeFile(file, [...sampleUsage({ rows: 500 })].join(''))
      const access = await readLocalAccess(dataDirOf('web'))
      const ask = async (): Promise<AskResult> => {
        const { stdout } = await runHere(
          ['ask', 'Where does the money go?', '--json', '--url', web.url, '--data', file],
          { HOLDFAST_TOKEN: access?.token ?? '', HOLDFAST_DATA_DIR: dataDirOf('client') },
        )
        return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as AskResult
      }

      // Each worker in its turn has to be the one: the other stands still.
      for (const other of workers.toReversed()) {
        other.node.child.kill('SIGSTOP')
        expect(await ask()).toMatchObject({ outcome: 'answered', playbook: 'cost_breakdown' })
        other.node.child.kill('SIGCONT')
      }

      for (const { url } of workers) {
        expect((await fetch(`${url}/health/ready`)).status).toBe(200)
        // Whoever runs it may ask by any name; there is nothing else to ask for.
        expect((await fetch(`${url}/v1/threads`)).status).toBe(404)
        expect(await (await fetch(`${url}/version`)).json()).toMatchObject({ role: 'worker' })
      }
      const ended: Ended[] = []
      for (const { node } of [web, ...workers]) {
        node.child.kill('SIGTERM')
        ended.push(await node.ended)
      }
      expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
      expect(ended.map(({ stderr }) => stderr.match(/run started/g)?.length ?? 0)).toEqual([0, 1, 1])
      // [D1] The web node has read no file and asked no table.
      for (const folder of ['jobs', 'tables', 'cache']) {
        expect(existsSync(join(dataDirOf('web'), folder))).toBe(false)
      }
      expect(existsSync(join(dataDirOf('one'), 'jobs'))).toBe(true)
    },
    patienceMs,
  )
})
