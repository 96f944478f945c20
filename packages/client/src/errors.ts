import { type CloseCode, closeCodes, type Problem, type SubError } from '@holdfast/protocol'

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

/** The WebSocket was closed with a code after which trying again is of no use. */
export class HoldfastConnectionError extends Error {
  override readonly name = 'HoldfastConnectionError'
  readonly closeCode: number

  constructor(closeCode: number, reason: string) {
    const known = closeCode in closeCodes ? closeCodes[closeCode as CloseCode].name : 'unknown'
    super(
      `The server closed the connection for good: ${closeCode} ${known}${reason === '' ? '' : ` ${reason}`}`,
    )
    this.closeCode = closeCode
  }
}

/**
 * A thread cannot be followed from here. `epoch_changed`: the cursor belongs to another log; read the thread's
 * state and go on from its `seq`.
 */
export class HoldfastStreamError extends Error {
  override readonly name = 'HoldfastStreamError'
  readonly code: SubError

  constructor(code: SubError, stream: string) {
    super(`${stream} cannot be followed: ${code}`)
    this.code = code
  }
}
