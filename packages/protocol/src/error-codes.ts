import { z } from 'zod'

/**
 * Every error a client can meet: its HTTP status, whether the same request may succeed later, and a title.
 * An open set on the wire: clients ignore what they do not know and go by the status.
 */
export const errorCodes = {
  bad_request: { status: 400, retryable: false, title: 'The request is not valid' },
  unauthenticated: { status: 401, retryable: false, title: 'Sign in first' },
  forbidden: { status: 403, retryable: false, title: 'Not allowed' },
  not_found: { status: 404, retryable: false, title: 'No such object' },
  method_not_allowed: { status: 405, retryable: false, title: 'Method not allowed' },
  idempotency_conflict: { status: 409, retryable: false, title: 'This key was used with another request' },
  replayed: { status: 409, retryable: false, title: 'This request was made before' },
  thread_busy: { status: 409, retryable: true, title: 'The thread has a run under way' },
  run_ended: { status: 409, retryable: false, title: 'The run has already ended' },
  payload_too_large: { status: 413, retryable: false, title: 'Too large' },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: 'Not a kind of file or body that can be read',
  },
  file_unreadable: { status: 422, retryable: false, title: 'The file cannot be read as data' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  quota_reached: { status: 429, retryable: true, title: 'A quota is used up' },
  limit_reached: { status: 429, retryable: true, title: 'A limit is reached' },
  internal: { status: 500, retryable: false, title: 'A fault of the server' },
  not_ready: { status: 503, retryable: true, title: 'The server is not ready' },
  epoch_changed: { status: 409, retryable: false, title: 'The cursor belongs to another log' },
  sql_refused: { status: 422, retryable: false, title: 'The SQL is not allowed here' },
  sql_failed: { status: 422, retryable: false, title: 'The SQL failed' },
  sql_timeout: { status: 422, retryable: false, title: 'The SQL took too long' },
  sql_memory: { status: 422, retryable: false, title: 'The SQL used too much memory' },
  tool_failed: { status: 500, retryable: false, title: 'A tool failed' },
  run_timeout: { status: 500, retryable: true, title: 'The run took too long' },
  tool_timeout: { status: 500, retryable: true, title: 'A tool took too long' },
  outcome_unknown: { status: 500, retryable: false, title: 'Whether the tool ran to its end is not known' },
  cancelled: { status: 409, retryable: false, title: 'Cancelled' },
  model_failed: { status: 502, retryable: true, title: 'The language model failed' },
  step_limit: { status: 500, retryable: false, title: 'The run took too many steps' },
  attempts_exhausted: { status: 500, retryable: false, title: 'The run was interrupted too often' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errorCodes

export const ErrorCode = z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]])

/** RFC 9457 problem details. `detail` says what to do next; never a stack, never another user's id. */
export const Problem = z.object({
  type: z.string().describe('about:blank; the code is the stable name'),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  retryable: z.boolean(),
})
export type Problem = z.infer<typeof Problem>

export function problem(code: ErrorCode, detail: string): Problem {
  const { status, title, retryable } = errorCodes[code]
  return { type: 'about:blank', title, status, code, detail, retryable }
}

/** What happened, to what, and what to do next. The base of every error a client may see. */
export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }
}
