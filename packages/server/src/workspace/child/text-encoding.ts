import { isUtf8 } from 'node:buffer'
import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { FileLayout } from '../file-profile.ts'

export type TextEncoding = Exclude<FileLayout['encoding'], 'binary'>

export interface ReadText {
  /** A UTF-8 file: the source itself where that is what it was. */
  readonly path: string
  readonly encoding: TextEncoding
  readonly problems: readonly string[]
}

const chunkBytes = 1024 * 1024

/** A byte order mark, or zeros in every other byte, say UTF-16; what else it is, only all bytes can tell. */
export function utf16Of(head: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  const looked = Math.min(head.length & ~1, 4_096)
  let evenZeros = 0
  let oddZeros = 0
  for (let at = 0; at < looked; at += 2) {
    if (head[at] === 0) evenZeros += 1
    if (head[at + 1] === 0) oddZeros += 1
  }
  const enough = looked * 0.2
  if (oddZeros > enough && evenZeros === 0) return 'utf-16le'
  if (evenZeros > enough && oddZeros === 0) return 'utf-16be'
  return null
}

/**
 * Gives a path to UTF-8 text. Plain UTF-8, the common case, is read once to be sure and then left where it is.
 *
 * @param decoded where to write text that was not UTF-8
 */
export async function asUtf8(source: string, decoded: string): Promise<ReadText> {
  const head = await readHead(source, 4_096)
  const utf16 = utf16Of(head)
  if (utf16 !== null) {
    await transcode(source, decoded, utf16)
    return { path: decoded, encoding: utf16, problems: [] }
  }
  const scan = await scanUtf8(source)
  if (scan.valid) return { path: source, encoding: 'utf-8', problems: [] }
  // Text that has proper multi-byte characters too is UTF-8 with damage; rows must not be lost for it.
  const encoding = scan.multiByte > scan.invalid ? 'utf-8' : 'windows-1252'
  await transcode(source, decoded, encoding)
  const problems =
    encoding === 'utf-8'
      ? [`${scan.invalid} byte${scan.invalid === 1 ? ' is' : 's are'} not valid UTF-8 and shown as \uFFFD.`]
      : ['The text is not UTF-8: it was read as windows-1252 (a superset of latin-1).']
  return { path: decoded, encoding, problems }
}

export async function readHead(path: string, bytes: number): Promise<Uint8Array> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}

async function transcode(source: string, target: string, encoding: TextEncoding): Promise<void> {
  const decoder = new TextDecoder(encoding)
  await pipeline(
    createReadStream(source, { highWaterMark: chunkBytes }),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
      yield decoder.decode()
    },
    createWriteStream(target, { mode: 0o600 }),
  )
}

interface Utf8Scan {
  readonly valid: boolean
  /** Of text that is not valid: bad bytes, and characters of several bytes that are good. */
  readonly invalid: number
  readonly multiByte: number
}

async function scanUtf8(path: string): Promise<Utf8Scan> {
  let invalid = 0
  let multiByte = 0
  let valid = true
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    const whole = bytes.length - tailOfCharacter(bytes)
    const text = bytes.subarray(0, whole)
    rest = bytes.subarray(whole)
    if (isUtf8(text)) {
      if (!valid) multiByte += countMultiByte(text)
      continue
    }
    valid = false
    const decoded = text.toString('utf8')
    const bad = decoded.split('\uFFFD').length - 1
    invalid += bad
    multiByte += (decoded.match(/[^\x00-\x7f]/g)?.length ?? 0) - bad
  }
  if (rest.length > 0) {
    valid = false
    invalid += rest.length
  }
  return { valid, invalid, multiByte }
}

const countMultiByte = (bytes: Buffer): number => bytes.reduce((sum, byte) => sum + (byte >= 0xc0 ? 1 : 0), 0)

/** Bytes at the end that may be the beginning of a character cut by the chunk's border. */
function tailOfCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0
  }
  return 0
}
