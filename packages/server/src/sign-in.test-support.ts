import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientId, type OidcServerOptions, openOidcServer } from './auth/testing/oidc-server.ts'
import type { ServerOptions } from './compose.ts'
import { readSettings } from './environment/settings.ts'
import { startServer } from './start-server.ts'
import { silentLogger } from './telemetry/logger.ts'

export const audience = 'https://api.holdfast.test'
const clientSecret = 'a-secret-of-the-client'

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
  return address.port
}

/** A whole server, and the real provider that its people sign in with. */
export async function openWithProvider(
  options: Partial<OidcServerOptions> = {},
  environment: Record<string, string> = {},
  { logger = silentLogger, parts = {} }: Partial<Pick<ServerOptions, 'logger' | 'parts'>> = {},
) {
  await using opening = new AsyncDisposableStack()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const oidc = opening.use(
    await openOidcServer({ redirectUri: `${url}/auth/callback`, clientSecret, ...options }),
  )
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-sign-in-'))
  opening.defer(() => rm(dataDir, { recursive: true, force: true }))
  const settings = readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_PORT: String(port),
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_PUBLIC_URL: url,
    HOLDFAST_OIDC_ISSUER: oidc.issuer,
    HOLDFAST_OIDC_CLIENT_ID: clientId,
    HOLDFAST_OIDC_CLIENT_SECRET: clientSecret,
    HOLDFAST_API_AUDIENCE: audience,
    // A file's worth of sign-ins from one address.
    HOLDFAST_SIGN_INS_PER_MINUTE: '1000',
    ...environment,
  })
  const server = opening.use(await startServer({ settings, logger, parts, advertise: true }))
  const owned = opening.move()
  return { url, settings, oidc, server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
