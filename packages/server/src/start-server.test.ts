import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSettings } from './environment/settings.ts'
import { startServer } from './start-server.ts'
import { openPgliteClient } from './store/pglite/client.ts'
import { freePort } from './store/testing/free-port.ts'
import { silentLogger } from './telemetry/logger.ts'

async function startIn(dataDir: string, environment: Readonly<Record<string, string>>) {
  const settings = readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA_DIR: dataDir,
    ...environment,
  })
  return await startServer({ settings, logger: silentLogger, advertise: false })
}
const broken = { HOLDFAST_AGENTS: '/nowhere/agents.ts' }

test('a server that refuses to start gives the data directory back', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
  try {
    await expect(startIn(dataDir, broken)).rejects.toThrow(/HOLDFAST_AGENTS names/)
    await using server = await startIn(dataDir, {})
    expect(server.store.kind).toBe('pglite')
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('and migrates nothing: the version before still opens it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
  try {
    await expect(startIn(dataDir, broken)).rejects.toThrow(/HOLDFAST_AGENTS names/)
    const client = await openPgliteClient({ directory: join(dataDir, 'store', 'pgdata') })
    const { rows } = await client.query(
      "select count(*) from pg_tables where schemaname = 'public'",
      [],
      null,
    )
    await client.close()
    expect(rows).toEqual([['0']])
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('and asks nothing of a database that others use', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
  try {
    const url = `postgres://holdfast@127.0.0.1:${await freePort()}/holdfast`
    // Nobody listens there: a start that asked it would wait, and tell of that instead.
    await expect(startIn(dataDir, { ...broken, HOLDFAST_DATABASE_URL: url })).rejects.toThrow(
      /HOLDFAST_AGENTS names/,
    )
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
