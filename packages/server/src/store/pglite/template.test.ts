import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { expect, test } from 'vitest'
import { buildTemplate } from '../../../bin/build-template.ts'
import { readTemplate } from './template.ts'

test('a copy of the template is a database like one that was made; where there is none, null', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-template-'))
  try {
    const path = join(directory, 'deep', 'template.tar.zst')
    expect(await readTemplate(path)).toBeNull()
    expect([await buildTemplate(path), await buildTemplate(path)]).toEqual([true, false])
    const loadDataDir = await readTemplate(path)
    const db = await PGlite.create({ dataDir: 'memory://', ...(loadDataDir === null ? {} : { loadDataDir }) })
    const { rows } = await db.query('select count(*)::int as tables from pg_tables where schemaname = $1', [
      'public',
    ])
    expect([loadDataDir?.size, rows]).toEqual([expect.any(Number), [{ tables: 0 }]])
    await db.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)
