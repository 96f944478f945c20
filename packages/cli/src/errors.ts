import {
  HoldfastAnswerError,
  HoldfastConnectionError,
  HoldfastHttpError,
  HoldfastStreamError,
} from '@holdfast/client'
import { HoldfastError } from '@holdfast/protocol'
import { SettingError, StoreLockedError } from '@holdfast/server/start'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { UsageError } from './usage-error.ts'

/** What went wrong, for a person (one sentence) and for a script. */
export interface Explanation {
  readonly code: string
  readonly sentence: string
  readonly exitCode: ExitCode
}

const property = (error: Error, name: string): string | null => {
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

/** fetch and connecting over several addresses hide why they failed in a cause or in a list of errors. */
function rootOf(error: Error): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return rootOf(error.errors[0])
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

function addressOf(error: Error): string {
  const address = property(error, 'address') ?? 'The address'
  const port = property(error, 'port')
  return port === null ? address : `${address} port ${port}`
}

const systemErrors: Readonly<Record<string, (error: Error) => string>> = {
  EADDRINUSE: (error) =>
    `${addressOf(error)} is already in use. Stop what listens there, or choose another port with --port (0: any free one).`,
  EADDRNOTAVAIL: (error) => `${addressOf(error)} is not an address of this machine. Change --host.`,
  EACCES: (error) =>
    `Not allowed: ${error.message}. Choose a directory you may write to, or a port above 1023.`,
  ECONNREFUSED: (error) => `Nothing answers at ${addressOf(error)}. Start the server, or check --url.`,
  ECONNRESET: () => 'The server closed the connection in the middle of an answer. Try again.',
  ENOTFOUND: (error) => `The host ${property(error, 'hostname') ?? ''} is not known. Check --url.`,
  ENOSPC: (error) => `The disk is full: ${error.message}.`,
  EROFS: (error) => `The file system is read-only: ${error.message}. Choose another --data-dir.`,
  ENOTDIR: (error) => `Not a directory: ${error.message}. Choose another --data-dir or --out.`,
  EEXIST: (error) => `A file stands in the way: ${error.message}. Choose another --data-dir or --out.`,
}

/** Every error as a sentence. Never a stack, which only HOLDFAST_LOG_LEVEL=debug shows. */
export function explain(error: unknown): Explanation {
  const explained = (code: string, sentence: string, exitCode: ExitCode = exitCodes.failed): Explanation => ({
    code,
    sentence,
    exitCode,
  })
  if (!(error instanceof Error)) return explained('internal', String(error))
  if (error instanceof UsageError) return explained('usage', error.message, exitCodes.usage)
  if (error instanceof SettingError) return explained('bad_setting', error.message, exitCodes.badSetting)
  if (error instanceof StoreLockedError) return explained('locked', error.message, exitCodes.directoryLocked)
  if (error instanceof HoldfastHttpError && error.code === 'unauthenticated')
    return explained(error.code, `${error.message}. Give a token with HOLDFAST_TOKEN or --token.`)
  if (error instanceof HoldfastError || error instanceof HoldfastHttpError)
    return explained(error.code, error.message)
  if (error instanceof HoldfastStreamError || error instanceof HoldfastAnswerError)
    return explained(error.code, error.message)
  if (error instanceof HoldfastConnectionError) return explained('connection_closed', error.message)
  const root = rootOf(error)
  const code = property(root, 'code')
  const known = code === null ? undefined : systemErrors[code]
  // fetch names what it refused by itself (a blocked port, a redirect too many) without a code.
  if (code === null && error.message === 'fetch failed')
    return explained('unreachable', `The server cannot be reached: ${root.message}. Check --url.`)
  return explained(code ?? 'internal', known === undefined ? root.message : known(root))
}
