import { createReadStream } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { createClient, HoldfastHttpError } from '@holdfast/client'
import type { FileInfo, ThreadId } from '@holdfast/protocol'
import {
  createLogger,
  type LogLevel,
  readLocalAccess,
  type Settings,
  StoreLockedError,
  startServer,
} from '@holdfast/server/start'
import type { DataFile } from './data-files.ts'

export type SendFile = (threadId: ThreadId, file: DataFile, options: SendOptions) => Promise<FileInfo>

export interface SendOptions {
  readonly signal: AbortSignal
  readonly onProgress: (sentBytes: number, totalBytes: number) => void
}

/** The server a question goes to. Disposing closes it where it was started for this question. */
export interface Target extends AsyncDisposable {
  readonly url: string
  readonly token: string | null
  /** Hands a file over without HTTP, where the server is in this process; null elsewhere. */
  readonly upload: SendFile | null
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
    upload: null,
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

/**
 * The embedded database is 9 MB of WebAssembly. Compiling what runs often a second time, optimised, pays after minutes;
 * a question takes seconds, in which it costs half a second of every core and 500 MB.
 */
function staySmall(): void {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)
}

/** The server that has the data directory open, or one of our own on a free loopback port. */
export async function openLocal(settings: Settings): Promise<Target> {
  const { dataDir } = settings
  const found = await findLocal(dataDir)
  if (found !== null) return found
  const logger = createLogger({ level: quieter[settings.logLevel], format: 'line' })
  staySmall()
  try {
    const server = await startServer({
      settings: { ...settings, ...localSignIn, role: 'all', host: '127.0.0.1', port: 0 },
      logger,
      advertise: false,
    })
    const { local } = server
    if (local === null) throw new Error('A server without a provider is in local mode')
    return {
      url: server.url,
      token: local.token,
      upload: (threadId, { name, path, content }, { signal, onProgress }) =>
        local.upload(threadId, { name, content: readFile(path, content.size, onProgress) }, signal),
      note: null,
      [Symbol.asyncDispose]: () => server.close(),
    }
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    // A server that was still starting when it was looked for above has its door open by now.
    const late = await findLocal(dataDir)
    if (late === null) throw error
    return late
  }
}

/** Whoever asks at a terminal is the user of this machine, whatever people in front of a browser sign in with. */
const localSignIn = { oidcIssuer: null, oidcClientId: null, oidcClientSecret: null, apiAudience: null }

/** What the allocator has at hand: of more, each piece comes fresh from the kernel, which takes three times as long. */
const chunkBytes = 128 * 1024

async function* readFile(
  path: string,
  totalBytes: number,
  onProgress: SendOptions['onProgress'],
): AsyncGenerator<Uint8Array> {
  let sentBytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    yield chunk as Buffer
    sentBytes += (chunk as Buffer).length
    onProgress(sentBytes, totalBytes)
  }
}

/** The server at `url`; for one of this machine's own the token is at hand. */
export async function openRemote(url: string, token: string | null, dataDir: string): Promise<Target> {
  const access = token === null ? await readLocalAccess(dataDir) : null
  const known = access !== null && new URL(access.url).origin === new URL(url).origin ? access.token : null
  return { url, token: token ?? known, upload: null, note: null, ...nothingToClose }
}
