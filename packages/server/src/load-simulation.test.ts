import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileInfo, Thread } from '@holdfast/protocol'
import { newSimulationKey, SimulatedSession, signInAs, signRequest } from '@holdfast/protocol/e2e'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningServer } from './compose.ts'
import { readSettings } from './environment/settings.ts'
import { startServer } from './start-server.ts'
import { type Logger, silentLogger } from './telemetry/logger.ts'

const key = newSimulationKey()
let dataDir: string
let port: number
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-simulation-'))
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  port = (probe.address() as { port: number }).port
  await new Promise((resolve) => probe.close(resolve))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

/** The same data directory, as another tier has it. */
function open(environment: Record<string, string>, logger: Logger = silentLogger): Promise<RunningServer> {
  const settings = readSettings({
    HOLDFAST_PORT: String(port),
    HOLDFAST_DATA_DIR: dataDir,
    ...environment,
  })
  return startServer({ settings, logger, advertise: false })
}

const staging = () => ({
  HOLDFAST_ENV: 'test',
  E2E_SIMULATION_ENABLED: 'true',
  E2E_SIMULATION_HOST: `127.0.0.1:${port}`,
  E2E_OAUTH_SIMULATION_KEY: key,
})

test('a database that was copied: simulated users are nobody where it is off, and gone where it is production', async () => {
  const credentials: Record<string, string>[] = []
  const statusOf = async (url: string): Promise<readonly number[]> =>
    Promise.all(credentials.map(async (headers) => (await fetch(`${url}/v1/session`, { headers })).status))
  {
    await using server = await open(staging())
    const { url } = server
    const session = await signInAs({ persona: 'alice', run: 'r1', mode: 'token' }, { url, key })
    const headers = { authorization: `Bearer ${session.token}` }
    const body = JSON.stringify({ persona: 'alice', run: 'r1', mode: 'cookie' })
    const address = `${url}/auth/e2e/session`
    const signed = signRequest({ key, method: 'POST', url: address, body })
    const response = await fetch(address, { method: 'POST', headers: signed, body })
    const [cookie = ''] = response.headers.getSetCookie()
    expect(SimulatedSession.parse(await response.json()).user).toBe(session.user)
    credentials.push(headers, { cookie: cookie.split(';')[0] ?? '' })
    const made = await fetch(`${url}/v1/threads`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    })
    const form = new FormData()
    form.set('file', new Blob(['a,b\n1,2\n']), 'requests.csv')
    const thread = Thread.parse(await made.json())
    const uploaded = await fetch(`${url}/v1/threads/${thread.id}/files`, {
      method: 'POST',
      headers,
      body: form,
    })
    FileInfo.parse(await uploaded.json())
    expect(await statusOf(url)).toEqual([200, 200])
  }
  {
    // Signed by a pair of the process that is gone: its public half is in the store.
    await using server = await open(staging())
    expect(await statusOf(server.url)).toEqual([200, 200])
  }
  {
    await using server = await open({ HOLDFAST_ENV: 'test' })
    expect(await statusOf(server.url)).toEqual([401, 401])
  }
  {
    await using server = await open(staging())
    expect(await statusOf(server.url)).toEqual([200, 200])
  }
  const warned: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_fields, message) => void warned.push(message) }
  {
    // Production is only assumed: nobody is let in, and nothing is taken away for it.
    await using server = await open({ GOOGLE_CLOUD_PROJECT: 'acme-prod' }, logger)
    expect(server.tier).toMatchObject({ tier: 'production', how: 'assumed' })
    expect(await statusOf(server.url)).toEqual([401, 401])
    expect(warned).not.toContain('simulated users were removed: this is production')
  }
  {
    await using server = await open(staging())
    expect(await statusOf(server.url)).toEqual([200, 200])
  }
  {
    await using server = await open({ HOLDFAST_ENV: 'production' }, logger)
    expect(await statusOf(server.url)).toEqual([401, 401])
    expect(warned).toContain('simulated users were removed: this is production')
  }
  {
    // Not even where it is switched on again.
    await using server = await open(staging())
    expect(await statusOf(server.url)).toEqual([401, 401])
  }
  const left = await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => entry.isFile())).toEqual([])
}, 240_000)
