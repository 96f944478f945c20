import { createClient, HoldfastHttpError } from '@holdfast/client'
import type { LogLevel } from '@holdfast/server'
import { createLogger, readLocalAccess, type Settings, StoreLockedError, startServer } from '@holdfast/server'

/** The server a question goes to. Disposing closes it where it was started for this question. */
export interface Target extends AsyncDisposable {
  readonly url: string
  readonly token: string | null
  /** What the user should know about the choice; null where it is the one asked for. */
  readonly note: string | null
}

const nothingToClose = { [Symbol.asyncDispose]: async () => undefined }
/** A server on this machine that does not answer within this time is taken for dead. */
const probeMs = 2_000

/** The server that has the data directory open, when it is alive and knows its own token. */
async function findLocal(dataDir: string): Promise<Target | null> {
  const access = await readLocalAccess(dataDir)
  if (access === null) return null
  const { url, token, pid } = access
  const fetch: typeof globalThis.fetch = (input, init) =>
    globalThis.fetch(input, { ...init, signal: AbortSignal.timeout(probeMs) })
  await using client = createClient({ url, token, fetch })
  try {
    await client.session()
  } catch (error) {
    // Refused: another program took the port of a server that died. Unreachable: nobody is there.
    if (error instanceof HoldfastHttpError || error instanceof TypeError || isTimeout(error)) return null
    throw error
  }
  return {
    url,
    token,
    note: `using the server at ${url} (pid ${pid}), which has ${dataDir} open`,
    ...nothingToClose,
  }
}

const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === 'TimeoutError'

/** Warnings and errors of the embedded server are shown; its news only to whoever asked for debug lines. */
const quieter: Readonly<Record<LogLevel, LogLevel>> = {
  silent: 'silent',
  error: 'error',
  warn: 'warn',
  info: 'warn',
  debug: 'debug',
}

/** The server that has the data directory open, or one of our own on a free loopback port. */
export async function openLocal(settings: Settings): Promise<Target> {
  const { dataDir } = settings
  const found = await findLocal(dataDir)
  if (found !== null) return found
  const logger = createLogger({ level: quieter[settings.logLevel], format: 'line' })
  try {
    const server = await startServer({
      settings: { ...settings, host: '127.0.0.1', port: 0 },
      logger,
      advertise: false,
    })
    return { url: server.url, token: server.token, note: null, [Symbol.asyncDispose]: () => server.close() }
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    // A server that was still starting when it was looked for above has its door open by now.
    const late = await findLocal(dataDir)
    if (late === null) throw error
    return late
  }
}

/** The server at `url`; for one of this machine's own the token is at hand. */
export async function openRemote(url: string, token: string | null, dataDir: string): Promise<Target> {
  const access = token === null ? await readLocalAccess(dataDir) : null
  const known = access !== null && new URL(access.url).origin === new URL(url).origin ? access.token : null
  return { url, token: token ?? known, note: null, ...nothingToClose }
}
