export {
  type CallOptions,
  type ClientOptions,
  createClient,
  type HoldfastClient,
  type LifecycleOptions,
} from './client.ts'
export type { ConnectionStatus } from './connection.ts'
export type { TokenSource } from './credentials.ts'
export { type Cursor, type CursorMove, type CursorStore, createMemoryCursors } from './cursors.ts'
export {
  type ConnectionErrorCode,
  HoldfastAnswerError,
  HoldfastConnectionError,
  HoldfastCursorError,
  HoldfastHttpError,
  HoldfastNetworkError,
  HoldfastStreamError,
  type StreamErrorCode,
} from './errors.ts'
export type { ApplyOptions, EventsOptions, Snapshot, StreamReset } from './follow.ts'
export {
  createCursorStore,
  type IndexedDb,
  type IndexedDbTransaction,
  indexedDbCursors,
} from './indexed-db-cursors.ts'
export type { Platform, Trigger } from './platform.ts'
export type { UploadFile, UploadOptions } from './upload.ts'
export type { WebSocketConstructor } from './web-socket-transport.ts'
