import { type ErrorCode, errorCodes, HoldfastError, type Problem, problem } from '@holdfast/protocol'
import type { FastifyReply } from 'fastify'
import { ZodError, z } from 'zod'

/** Sent with 503 when nobody knows better, in seconds. */
export const retryAfterSeconds = 1

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  503: 'not_ready',
}

export type Explained =
  | {
      readonly kind: 'expected'
      readonly problem: Problem
      /** When asking again may help, in seconds. */
      readonly retryAfter?: number
    }
  | { readonly kind: 'bug'; readonly problem: Problem }

/**
 * The one place where an error becomes what a client may read. What nobody foresaw is a bug: the client learns
 * that there was one and nothing about it, the log learns everything.
 */
export function explain(error: unknown): Explained {
  if (error instanceof HoldfastError) {
    // `internal` is raised on purpose here and there; its message is for the log alone.
    if (error.code === 'internal') return { kind: 'bug', problem: internal() }
    const retryAfter = 'retryAfterSeconds' in error ? Number(error.retryAfterSeconds) : null
    return {
      kind: 'expected',
      problem: problem(error.code, error.message),
      ...(retryAfter === null ? {} : { retryAfter }),
    }
  }
  if (error instanceof ZodError)
    return { kind: 'expected', problem: problem('bad_request', z.prettifyError(error)) }
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    const code = codeOfStatus[error.statusCode]
    // Fastify and its plugins: their sentences name what was wrong with the request and nothing inside.
    if (code !== undefined) return { kind: 'expected', problem: problem(code, error.message) }
  }
  return { kind: 'bug', problem: internal() }
}

export function sendProblem(reply: FastifyReply, sent: Problem, retryAfter?: number): FastifyReply {
  const waits = retryAfter ?? (sent.status === errorCodes.not_ready.status ? retryAfterSeconds : null)
  if (waits !== null) reply.header('retry-after', String(waits))
  if (sent.status === errorCodes.unauthenticated.status) reply.header('www-authenticate', 'Bearer')
  return reply.status(sent.status).type('application/problem+json').send(sent)
}

function internal(): Problem {
  return problem(
    'internal',
    'The server met a fault of its own; try again, and look into its log if it stays',
  )
}
