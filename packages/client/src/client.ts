import {
  AgentList,
  type ArtifactId,
  type FileId,
  FileInfo,
  type LifecycleItem,
  position,
  Run,
  type RunId,
  Session,
  type StoredEvent,
  type Stream,
  type SubmitRun,
  streamThread,
  Thread,
  type ThreadId,
  ThreadList,
  ThreadState,
  terminalTypes,
  threadStream,
  userStream,
} from '@holdfast/protocol'
import { type ConnectionStatus, createConnection } from './connection.ts'
import { connectionLimits } from './connection-state.ts'
import { createCredentials, type TokenSource } from './credentials.ts'
import { openEventStreams } from './event-stream-transport.ts'
import { type ApplyOptions, applyAll, type EventsOptions, type Follow, iterate } from './follow.ts'
import { type Call, call, callBytes, callJson, type HttpOptions, type Schema } from './http.ts'
import { type Platform, systemPlatform } from './platform.ts'
import { retrying } from './retry.ts'
import { type UploadFile, type UploadOptions, upload } from './upload.ts'
import { openWebSocket, type WebSocketConstructor } from './web-socket-transport.ts'

export interface ClientOptions {
  /** Of the server, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Without one a browser's cookie has to do. */
  readonly token?: TokenSource
  readonly fetch?: typeof globalThis.fetch
  readonly WebSocket?: WebSocketConstructor
  readonly onStatus?: (status: ConnectionStatus) => void
  /** Time, chance and the page; for tests. */
  readonly platform?: Platform
}

export interface CallOptions {
  /** Gives the request up; what the server has begun it may finish. */
  readonly signal?: AbortSignal
}

export type LifecycleOptions = EventsOptions

/**
 * A Holdfast server. HTTP errors are HoldfastHttpError, a server that cannot be reached is HoldfastNetworkError, an
 * answer that is not one of this version is HoldfastAnswerError.
 * Disposing closes the connection, which stays open until then once it was needed.
 */
export interface HoldfastClient extends AsyncDisposable {
  session(options?: CallOptions): Promise<Session>
  agents(options?: CallOptions): Promise<AgentList>
  createThread(options?: { readonly title?: string } & CallOptions): Promise<Thread>
  /** A page of the user's threads, newest first. `search` stands in the title or in a question. */
  threads(cursor?: string, options?: { readonly search?: string } & CallOptions): Promise<ThreadList>
  /** A snapshot; its `seq` and `epoch` are the cursor to follow from. */
  thread(threadId: ThreadId, options?: CallOptions): Promise<ThreadState>
  renameThread(threadId: ThreadId, title: string, options?: CallOptions): Promise<Thread>
  deleteThread(threadId: ThreadId, options?: CallOptions): Promise<void>
  upload(threadId: ThreadId, file: UploadFile, options?: UploadOptions): Promise<FileInfo>
  file(fileId: FileId, options?: CallOptions): Promise<FileInfo>
  deleteFile(fileId: FileId, options?: CallOptions): Promise<void>
  /**
   * Makes its own idempotency key where none is given, so that it can repeat itself until the server has
   * answered, and the run is there once.
   */
  submit(
    threadId: ThreadId,
    request: SubmitRun,
    options?: { readonly idempotencyKey?: string } & CallOptions,
  ): Promise<Run>
  run(runId: RunId, options?: CallOptions): Promise<Run>
  cancel(runId: RunId, options?: CallOptions): Promise<Run>
  artifact(artifactId: ArtifactId, options?: CallOptions): Promise<Uint8Array>
  /**
   * Every event of a thread, once and in order, over any number of dropped connections. Follows from the call on.
   * @throws {HoldfastConnectionError} the server closed for good; {HoldfastStreamError} e.g. epoch_changed
   */
  events(threadId: ThreadId, options?: EventsOptions): AsyncIterable<StoredEvent>
  /** The events of one run, up to and including its terminal event. */
  followRun(run: Run, options?: CallOptions): AsyncIterable<StoredEvent>
  /**
   * Applies every event of a thread to state of the caller's, each in one transaction with the cursor, from where the
   * store stands; until `signal` aborts. A process that dies anywhere in between and starts again has applied the log
   * exactly.
   * @throws as events(), and what `apply` throws
   */
  applyEvents<Transaction>(threadId: ThreadId, options: ApplyOptions<StoredEvent, Transaction>): Promise<void>
  /**
   * What happens to the user's threads, so that a list of them stays current. Default `head`: read `threads()` once
   * `onFollowing` is called, and nothing falls in between.
   * @throws as events(); {HoldfastStreamError} websocket_required: the server is there and no WebSocket can be opened.
   *   Follow again now and then: another is tried every five minutes.
   */
  lifecycle(options?: LifecycleOptions): AsyncIterable<LifecycleItem>
}

/** @throws {TypeError} `url` is not an address */
export function createClient(options: ClientOptions): HoldfastClient {
  const url = new URL(options.url).href.replace(/\/+$/, '')
  const platform = options.platform ?? systemPlatform(url)
  const credentials = createCredentials(options.token ?? null)
  const http: HttpOptions = {
    url,
    credentials,
    // Called on the global object: browsers refuse a fetch that was taken off it.
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
  }
  const WebSocket = options.WebSocket ?? globalThis.WebSocket
  const { setTimer, random } = platform
  const connection = createConnection({
    credentials,
    platform,
    openSocket: (port) => openWebSocket(WebSocket, `${url.replace(/^http/, 'ws')}/v1/ws`, port),
    openEventStreams: (port) =>
      openEventStreams({ http, setTimer, silenceMs: connectionLimits.silenceMs }, port),
    snapshotUrl: (stream) =>
      stream === userStream ? `${url}/v1/threads` : `${url}/v1/threads/${streamThread(stream)}/state`,
    onStatus: options.onStatus ?? (() => {}),
  })
  const json = <Value>(request: Call, schema: Schema<Value>): Promise<Value> =>
    callJson(http, request, schema)
  const get = <Value>(path: string, schema: Schema<Value>, { signal }: CallOptions = {}): Promise<Value> =>
    json({ method: 'GET', path, signal }, schema)
  const refuseClosed = (): void => {
    if (connection.closed) throw new Error('This client is closed; create another one')
  }
  const followed =
    <Item extends StoredEvent | LifecycleItem>(stream: Stream): Follow<Item> =>
    (followOptions) =>
      connection.follow<Item>(stream, followOptions)
  const events = (threadId: ThreadId, eventsOptions: EventsOptions = {}): AsyncIterable<StoredEvent> => {
    refuseClosed()
    const stream = threadStream(threadId)
    return iterate(stream, followed<StoredEvent>(stream), eventsOptions)
  }

  return {
    session: (callOptions) => get('/v1/session', Session, callOptions),
    agents: (callOptions) => get('/v1/agents', AgentList, callOptions),
    createThread: ({ signal, ...thread } = {}) =>
      json({ method: 'POST', path: '/v1/threads', json: thread, signal }, Thread),
    threads(cursor, { search, ...callOptions } = {}) {
      const query = new URLSearchParams({
        ...(cursor === undefined ? {} : { cursor }),
        ...(search === undefined ? {} : { search }),
      })
      return get(`/v1/threads${query.size === 0 ? '' : `?${query}`}`, ThreadList, callOptions)
    },
    thread: (threadId, callOptions) => get(`/v1/threads/${threadId}/state`, ThreadState, callOptions),
    renameThread: (threadId, title, { signal } = {}) =>
      json({ method: 'PATCH', path: `/v1/threads/${threadId}`, json: { title }, signal }, Thread),
    async deleteThread(threadId, { signal } = {}) {
      await call(http, { method: 'DELETE', path: `/v1/threads/${threadId}`, signal })
    },
    upload: (threadId, file, uploadOptions = {}) => upload(http, threadId, file, uploadOptions),
    file: (fileId, callOptions) => get(`/v1/files/${fileId}`, FileInfo, callOptions),
    async deleteFile(fileId, { signal } = {}) {
      await call(http, { method: 'DELETE', path: `/v1/files/${fileId}`, signal })
    },
    submit(threadId, request, { idempotencyKey = crypto.randomUUID(), signal } = {}) {
      const headers = { 'idempotency-key': idempotencyKey }
      const path = `/v1/threads/${threadId}/runs`
      const send = (): Promise<Run> => json({ method: 'POST', path, json: request, headers, signal }, Run)
      return retrying(send, { signal, random })
    },
    run: (runId, callOptions) => get(`/v1/runs/${runId}`, Run, callOptions),
    cancel: (runId, { signal } = {}) =>
      json({ method: 'POST', path: `/v1/runs/${runId}/cancel`, json: {}, signal }, Run),
    artifact: (artifactId, { signal } = {}) =>
      callBytes(http, { method: 'GET', path: `/v1/artifacts/${artifactId}`, signal }),
    events,
    async *followRun(run, callOptions = {}) {
      const after = position(run.queuedAt - 1)
      for await (const event of events(run.threadId, { after, ...callOptions })) {
        if (event.runId !== run.id) continue
        yield event
        if ((terminalTypes as readonly string[]).includes(event.type)) return
      }
    },
    async applyEvents(threadId, applyOptions) {
      refuseClosed()
      const stream = threadStream(threadId)
      await applyAll(stream, followed<StoredEvent>(stream), applyOptions)
    },
    lifecycle(lifecycleOptions = {}) {
      refuseClosed()
      return iterate(userStream, followed<LifecycleItem>(userStream), { after: 'head', ...lifecycleOptions })
    },
    async [Symbol.asyncDispose]() {
      connection.close()
    },
  }
}
