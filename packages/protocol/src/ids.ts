import { z } from 'zod'

/**
 * Ids are a three-letter kind, `_`, and 26 Crockford base32 characters in ULID order
 * (48 bits of milliseconds, 80 random bits), so ids of one kind sort by the time they were made.
 */
declare const brand: unique symbol
export type Id<Name extends string> = string & { readonly [brand]: Name }

export type UserId = Id<'user'>
export type ThreadId = Id<'thread'>
export type RunId = Id<'run'>
export type EventId = Id<'event'>
export type MessageId = Id<'message'>
export type CallId = Id<'call'>
export type FileId = Id<'file'>
export type ArtifactId = Id<'artifact'>
export type RequestId = Id<'request'>
export type ConnectionId = Id<'connection'>
export type NodeId = Id<'node'>
export type EpochId = Id<'epoch'>
export type SessionId = Id<'session'>
export type TokenId = Id<'token'>

/** Place of an event in its thread: 1 for the first, no gaps (L2). 0 stands before the first. */
export type Position = number & { readonly [brand]: 'position' }

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const prefixes = {
  user: 'usr',
  thread: 'thr',
  run: 'run',
  event: 'evt',
  message: 'msg',
  call: 'cal',
  file: 'fil',
  artifact: 'art',
  request: 'req',
  connection: 'con',
  node: 'nod',
  epoch: 'epo',
  session: 'ses',
  token: 'tok',
} as const

export type IdKind = keyof typeof prefixes

function schema<Kind extends IdKind>(kind: Kind) {
  // The first of 26 base32 characters carries 3 bits of a 128-bit ULID.
  const pattern = new RegExp(`^${prefixes[kind]}_[0-7][${alphabet}]{25}$`)
  return z
    .string()
    .regex(pattern, `expected ${kind} id: ${prefixes[kind]}_ and 26 Crockford base32 characters`)
    .transform((text) => text as Id<Kind>)
}

// The transform only brands; input and output are the same text, which `io: 'input'` shows in JSON Schema.
export const UserId = schema('user')
export const ThreadId = schema('thread')
export const RunId = schema('run')
export const EventId = schema('event')
export const MessageId = schema('message')
export const CallId = schema('call')
export const FileId = schema('file')
export const ArtifactId = schema('artifact')
export const RequestId = schema('request')
export const ConnectionId = schema('connection')
export const NodeId = schema('node')
export const EpochId = schema('epoch')
export const SessionId = schema('session')
export const TokenId = schema('token')

export const Position = z
  .int()
  .min(0)
  .transform((value) => value as Position)

export const position = (value: number): Position => value as Position
export const start: Position = position(0)

/** Raw text to an id, or a ZodError that says what was expected. After this nobody checks again. */
export const threadId = (raw: unknown): ThreadId => ThreadId.parse(raw)
export const runId = (raw: unknown): RunId => RunId.parse(raw)
export const fileId = (raw: unknown): FileId => FileId.parse(raw)
export const artifactId = (raw: unknown): ArtifactId => ArtifactId.parse(raw)
export const userId = (raw: unknown): UserId => UserId.parse(raw)
export const requestId = (raw: unknown): RequestId => RequestId.parse(raw)
export const tokenId = (raw: unknown): TokenId => TokenId.parse(raw)

export type MakeId = <Kind extends IdKind>(kind: Kind) => Id<Kind>

/**
 * A maker of ids. Two ids of one millisecond still sort in the order they were made: the random part of
 * the second is that of the first plus one (the ULID rule).
 *
 * @param now milliseconds since 1970
 * @param random fills the array with random bytes
 */
export function createIdMaker(now: () => number, random: (bytes: Uint8Array<ArrayBuffer>) => void): MakeId {
  let lastMs = -1
  let time = ''
  // 80 random bits as 16 base32 digits: counted up in place, because BigInt arithmetic here was felt on the append path.
  const tail = new Uint8Array(16)
  return (kind) => {
    const ms = Math.max(now(), lastMs)
    if (ms === lastMs) countUp(tail)
    else {
      random(tail)
      for (const [index, byte] of tail.entries()) tail[index] = byte & 31
      // Clearing the top bit leaves room to count up without overflowing.
      tail[0] = (tail[0] ?? 0) & 15
      time = timeDigits(ms)
      lastMs = ms
    }
    let text = `${prefixes[kind]}_${time}`
    for (const digit of tail) text += alphabet[digit]
    return text as Id<typeof kind>
  }
}

function countUp(digits: Uint8Array): void {
  for (let index = digits.length - 1; index >= 0; index -= 1) {
    const next = (digits[index] ?? 0) + 1
    digits[index] = next & 31
    if (next < 32) return
  }
}

/** 48 bits of milliseconds as 10 digits. */
function timeDigits(ms: number): string {
  let rest = ms
  let text = ''
  for (let index = 0; index < 10; index += 1) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** An id maker on the platform's clock and random source. */
export function systemIdMaker(): MakeId {
  return createIdMaker(Date.now, (bytes) => void crypto.getRandomValues(bytes))
}
