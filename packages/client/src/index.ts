export { type ClientOptions, createClient, type EventsOptions, type HoldfastClient } from './client.ts'
export type { ConnectionStatus, WebSocketConstructor } from './connection.ts'
export { HoldfastConnectionError, HoldfastHttpError, HoldfastStreamError } from './errors.ts'
export type { UploadFile, UploadOptions } from './upload.ts'
