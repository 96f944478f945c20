import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildTemplate } from '../../../bin/build-template.ts'
import { readTemplate, unpackTemplate } from './template.ts'

let directory = ''
let template: Uint8Array = new Uint8Array()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-template-'))
  const path = join(directory, 'deep', 'template.tar.zst')
  expect([await buildTemplate(path), await buildTemplate(path)]).toEqual([true, false])
  template = (await readTemplate(path)) ?? template
}, 120_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

async function countTables(db: PGlite): Promise<unknown> {
  const { rows } = await db.query('select count(*)::int as tables from pg_tables where schemaname = $1', [
    'public',
  ])
  await db.close()
  return rows
}

test('where it was not built, there is none', async () => {
  expect(await readTemplate(join(directory, 'elsewhere'))).toBeNull()
})

test('a copy in memory is a database like one that was made', async () => {
  const db = await PGlite.create({ dataDir: 'memory://', loadDataDir: new Blob([Buffer.from(template)]) })
  expect(await countTables(db)).toEqual([{ tables: 0 }])
})

test('so is a copy in a directory, also where an earlier one broke off', async () => {
  const copy = join(directory, 'copy')
  await mkdir(`${copy}.unpacking`)
  await writeFile(join(`${copy}.unpacking`, 'half'), '')
  expect(await unpackTemplate(template, copy)).toBe(true)
  expect(await countTables(await PGlite.create({ dataDir: copy }))).toEqual([{ tables: 0 }])
  expect(await readdir(copy)).not.toContain('half')
  expect(await readdir(directory)).not.toContain('copy.unpacking')
})

test('what stands in a directory already is not written over', async () => {
  const taken = join(directory, 'taken')
  await mkdir(taken)
  await writeFile(join(taken, 'notes.txt'), 'mine')
  expect(await unpackTemplate(template, taken)).toBe(false)
  expect(await readdir(taken)).toEqual(['notes.txt'])
  expect(await readdir(directory)).not.toContain('taken.unpacking')
})
