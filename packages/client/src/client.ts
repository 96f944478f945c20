import {
  type After,
  AgentList,
  type ArtifactId,
  type EpochId,
  type FileId,
  FileInfo,
  position,
  Run,
  type RunId,
  Session,
  type StoredEvent,
  type SubmitRun,
  Thread,
  type ThreadId,
  ThreadList,
  ThreadState,
  terminalTypes,
  threadStream,
} from '@holdfast/protocol'
import { type ConnectionStatus, createConnection, type WebSocketConstructor } from './connection.ts'
import { type Call, call, type HttpOptions } from './http.ts'
import { retrying } from './retry.ts'
import { type UploadFile, type UploadOptions, upload } from './upload.ts'

export interface ClientOptions {
  /** Of the server, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Without one a browser's cookie has to do. */
  readonly token?: string
  readonly fetch?: typeof globalThis.fetch
  readonly WebSocket?: WebSocketConstructor
  readonly onStatus?: (status: ConnectionStatus) => void
}

export interface EventsOptions {
  /** Default `start`: every event from the thread's first on. */
  readonly after?: After
  /** Of the log that `after` was read from (`ThreadState.epoch`): another log then answers epoch_changed. */
  readonly epoch?: EpochId
  /** Ends the iteration quietly. */
  readonly signal?: AbortSignal
}

/**
 * A Holdfast server. HTTP errors are HoldfastHttpError. Disposing closes the WebSocket, which stays open until
 * then once it was needed.
 */
export interface HoldfastClient extends AsyncDisposable {
  session(): Promise<Session>
  agents(): Promise<AgentList>
  createThread(options?: { readonly title?: string }): Promise<Thread>
  threads(cursor?: string): Promise<ThreadList>
  /** A snapshot; its `seq` is the cursor to follow from. */
  thread(threadId: ThreadId): Promise<ThreadState>
  renameThread(threadId: ThreadId, title: string): Promise<Thread>
  deleteThread(threadId: ThreadId): Promise<void>
  upload(threadId: ThreadId, file: UploadFile, options?: UploadOptions): Promise<FileInfo>
  file(fileId: FileId): Promise<FileInfo>
  deleteFile(fileId: FileId): Promise<void>
  /**
   * Makes its own idempotency key where none is given, so that it can repeat itself until the server has
   * answered, and the run is there once.
   */
  submit(
    threadId: ThreadId,
    request: SubmitRun,
    options?: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
  ): Promise<Run>
  run(runId: RunId): Promise<Run>
  cancel(runId: RunId): Promise<Run>
  artifact(artifactId: ArtifactId): Promise<Uint8Array>
  /**
   * Every event of a thread, once and in order, over any number of dropped connections.
   * @throws {HoldfastConnectionError} the server closed for good; {HoldfastStreamError} e.g. epoch_changed
   */
  events(threadId: ThreadId, options?: EventsOptions): AsyncIterable<StoredEvent>
  /** The events of one run, up to and including its terminal event. */
  followRun(run: Run, options?: { readonly signal?: AbortSignal }): AsyncIterable<StoredEvent>
}

export function createClient(options: ClientOptions): HoldfastClient {
  const url = options.url.replace(/\/+$/, '')
  const token = options.token ?? null
  const random = Math.random
  // Called on the global object: browsers refuse a fetch that was taken off it.
  const http: HttpOptions = {
    url,
    token,
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
  }
  const connection = createConnection({
    url: `${url.replace(/^http/, 'ws')}/v1/ws`,
    token,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    onStatus: options.onStatus ?? (() => {}),
    random,
  })
  const json = async (request: Call): Promise<unknown> => (await call(http, request)).json()
  const get = (path: string): Promise<unknown> => json({ method: 'GET', path })
  const events: HoldfastClient['events'] = (
    threadId,
    { after = 'start', epoch = null, signal = null } = {},
  ) => connection.follow(threadStream(threadId), { after, epoch, signal })

  return {
    session: async () => Session.parse(await get('/v1/session')),
    agents: async () => AgentList.parse(await get('/v1/agents')),
    createThread: async (thread = {}) =>
      Thread.parse(await json({ method: 'POST', path: '/v1/threads', json: thread })),
    threads: async (cursor) =>
      ThreadList.parse(
        await get(`/v1/threads${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`),
      ),
    thread: async (threadId) => ThreadState.parse(await get(`/v1/threads/${threadId}/state`)),
    renameThread: async (threadId, title) =>
      Thread.parse(await json({ method: 'PATCH', path: `/v1/threads/${threadId}`, json: { title } })),
    async deleteThread(threadId) {
      await call(http, { method: 'DELETE', path: `/v1/threads/${threadId}` })
    },
    upload: (threadId, file, uploadOptions = {}) => upload(http, threadId, file, uploadOptions),
    file: async (fileId) => FileInfo.parse(await get(`/v1/files/${fileId}`)),
    async deleteFile(fileId) {
      await call(http, { method: 'DELETE', path: `/v1/files/${fileId}` })
    },
    async submit(threadId, request, { idempotencyKey = crypto.randomUUID(), signal } = {}) {
      const headers = { 'idempotency-key': idempotencyKey }
      const path = `/v1/threads/${threadId}/runs`
      const send = (): Promise<unknown> => json({ method: 'POST', path, json: request, headers, signal })
      return Run.parse(await retrying(send, { signal, random }))
    },
    run: async (runId) => Run.parse(await get(`/v1/runs/${runId}`)),
    cancel: async (runId) =>
      Run.parse(await json({ method: 'POST', path: `/v1/runs/${runId}/cancel`, json: {} })),
    async artifact(artifactId) {
      const response = await call(http, { method: 'GET', path: `/v1/artifacts/${artifactId}` })
      return new Uint8Array(await response.arrayBuffer())
    },
    events,
    async *followRun(run, { signal } = {}) {
      const after = position(run.queuedAt - 1)
      for await (const event of events(run.threadId, {
        after,
        ...(signal === undefined ? {} : { signal }),
      })) {
        if (event.runId !== run.id) continue
        yield event
        if ((terminalTypes as readonly string[]).includes(event.type)) return
      }
    },
    async [Symbol.asyncDispose]() {
      connection.close()
    },
  }
}
