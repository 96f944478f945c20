import { type CloseCode, closeCodes, type Problem, type SubError, wireVersion } from '@holdfast/protocol'

/** The server answered with an error; `problem` is what it said (RFC 9457). */
export class HoldfastHttpError extends Error {
  override readonly name = 'HoldfastHttpError'
  readonly problem: Problem
  /** The server's Retry-After; 0 where it gave none. */
  readonly retryAfterMs: number

  constructor(problem: Problem, retryAfterMs = 0) {
    super(problem.detail)
    this.problem = problem
    this.retryAfterMs = retryAfterMs
  }

  get status(): number {
    return this.problem.status
  }

  /** One of protocol's error codes, or a newer one. */
  get code(): string {
    return this.problem.code
  }
}

/**
 * The server could not be reached, or the answer broke off: whether the request was carried out is not known.
 * A TypeError, as fetch throws; `cause` is what the platform says.
 */
export class HoldfastNetworkError extends TypeError {
  override readonly name = 'HoldfastNetworkError'
  readonly code = 'unreachable'

  constructor(error: TypeError) {
    super(error.message, { cause: error.cause })
  }
}

/**
 * The answer is not what this client understands: something in between has answered, or a server of another version.
 * Whether the request was carried out is not known. `cause` is what is wrong with it.
 */
export class HoldfastAnswerError extends Error {
  override readonly name = 'HoldfastAnswerError'
  readonly code = 'bad_answer'

  constructor(request: string, options?: ErrorOptions) {
    super(
      `The answer to ${request} is not one of a Holdfast server of this version; check the address, and use releases of the same version`,
      options,
    )
  }
}

export type ConnectionErrorCode = (typeof closeCodes)[CloseCode]['name'] | 'unknown'

/**
 * The connection was closed with a code after which trying again is of no use. Following once more tries once more:
 * worth it when there are new credentials.
 */
export class HoldfastConnectionError extends Error {
  override readonly name = 'HoldfastConnectionError'
  readonly closeCode: number
  readonly code: ConnectionErrorCode

  constructor(closeCode: number, reason: string, options?: ErrorOptions) {
    const code = closeCode in closeCodes ? closeCodes[closeCode as CloseCode].name : 'unknown'
    const said = reason === '' ? '' : ` ${reason}`
    super(
      code === 'version_unsupported'
        ? `This client speaks ${wireVersion} and the server does not (${closeCode} ${code}${said}); use releases of the same version`
        : `The server closed the connection for good: ${closeCode} ${code}${said}`,
      options,
    )
    this.closeCode = closeCode
    this.code = code
  }
}

/**
 * `position_in_doubt`: the server no longer vouches for where this client stands. `websocket_required`: the stream
 * is not among what server-sent events carry.
 */
export type StreamErrorCode = SubError | 'position_in_doubt' | 'websocket_required'

/**
 * A stream cannot be followed from here. After `epoch_changed`, `trimmed` or `position_in_doubt` read the snapshot at
 * `snapshotUrl` and go on from its `seq` and `epoch`.
 */
export class HoldfastStreamError extends Error {
  override readonly name = 'HoldfastStreamError'
  readonly code: StreamErrorCode
  readonly stream: string
  readonly snapshotUrl: string

  constructor(code: StreamErrorCode, stream: string, snapshotUrl: string) {
    super(`${stream} cannot be followed: ${code}. ${advice[code].replace('$', snapshotUrl)}`)
    this.code = code
    this.stream = stream
    this.snapshotUrl = snapshotUrl
  }
}

const advice: Readonly<Record<StreamErrorCode, string>> = {
  not_found: 'It is not there, or not yours.',
  epoch_changed: 'The position belongs to another log; read $ and go on from its seq.',
  trimmed: 'The log begins later than this position; read $ and go on from its seq.',
  position_in_doubt: 'The server does not vouch for this position; read $ and go on from its seq.',
  limit: 'Too many streams are followed; leave some first.',
  websocket_required: 'No WebSocket could be opened, and server-sent events carry threads only.',
}

/** Somebody else has moved the stored cursor: another tab, or another process that applies the same stream. */
export class HoldfastCursorError extends Error {
  override readonly name = 'HoldfastCursorError'
  readonly code = 'cursor_moved'

  constructor(stream: string) {
    super(`The cursor of ${stream} was moved by somebody else; load it again and go on from there`)
  }
}
