import { z } from 'zod'

/** Why a WebSocket was closed and what a client does next. 4000–4499 retry, 4500–4999 do not. */
export const closeCodes = {
  1000: { name: 'asked_for', retry: 'never' },
  1001: { name: 'going_away', retry: 'backoff' },
  1002: { name: 'protocol_error', retry: 'once' },
  1003: { name: 'unsupported_data', retry: 'once' },
  1006: { name: 'no_close_frame', retry: 'backoff' },
  1007: { name: 'bad_text', retry: 'once' },
  1009: { name: 'frame_too_big', retry: 'backoff' },
  1011: { name: 'server_error', retry: 'backoff' },
  1012: { name: 'drain', retry: 'soon' },
  1013: { name: 'overloaded', retry: 'after_hint' },
  1014: { name: 'bad_gateway', retry: 'backoff' },
  4001: { name: 'token_expired', retry: 'after_refresh' },
  4008: { name: 'too_slow', retry: 'backoff' },
  4010: { name: 'position_in_doubt', retry: 'soon' },
  4029: { name: 'rate_limited', retry: 'after_hint' },
  4040: { name: 'lifetime_reached', retry: 'soon' },
  4500: { name: 'bad_frames', retry: 'never' },
  4501: { name: 'unauthenticated', retry: 'never' },
  4503: { name: 'forbidden', retry: 'never' },
  4505: { name: 'connection_limit', retry: 'never' },
  4506: { name: 'superseded', retry: 'never' },
  4526: { name: 'version_unsupported', retry: 'never' },
} as const

export type CloseCode = keyof typeof closeCodes
export type CloseRetry = (typeof closeCodes)[CloseCode]['retry']

/** What a client does after `code`; unknown codes follow their range. */
export function retryAfterClose(code: number): CloseRetry {
  if (code in closeCodes) return closeCodes[code as CloseCode].retry
  return code >= 4500 && code <= 4999 ? 'never' : 'backoff'
}

/**
 * The reason of a close frame: compact JSON of at most 123 bytes (RFC 6455). `r` says why in a word; `ms` is when to
 * come back: the most for 1012 and 4040 (come at a random moment before), the least for 1013 and 4029.
 * A gateway may put anything there, or nothing.
 */
export const CloseReason = z.object({ r: z.string(), ms: z.int().min(0).optional() })
export type CloseReason = z.infer<typeof CloseReason>
