import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningServer } from './compose.ts'
import { readSettings } from './environment/settings.ts'
import type { ServerParts } from './front.ts'
import { startServer } from './start-server.ts'
import { type Logger, silentLogger } from './telemetry/logger.ts'

/** A whole server; its data directory goes with it. */
export async function openNode(
  environment: Record<string, string>,
  parts: Partial<ServerParts> = {},
  logger: Logger = silentLogger,
): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-node-'))
  opening.defer(() => rm(dataDir, { recursive: true, force: true }))
  const settings = readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA_DIR: dataDir,
    ...environment,
  })
  const server = opening.use(await startServer({ settings, logger, advertise: false, parts }))
  const owned = opening.move()
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
