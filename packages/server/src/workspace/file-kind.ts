import { constants, gunzipSync } from 'node:zlib'
import { type FileKind, HoldfastError } from '@holdfast/protocol'
import { sniffDialect } from './child/dialect.ts'
import { utf16Of } from './child/text-encoding.ts'
import { readZipDirectory } from './zip-directory.ts'

/** Of a file's beginning, how much its kind is told by. */
export const kindHeadBytes = 64 * 1024

/**
 * Tells the kind of a file by its content, never by its name. Looks at bounded pieces only; reading the file is the
 * business of a child process.
 *
 * @param head the first `kindHeadBytes`
 * @param tail the last `zipTailBytes` of zip-directory.ts
 * @throws {HoldfastError} file_unreadable (empty), unsupported_media_type (says what it looks like)
 */
export function kindOf(head: Uint8Array, tail: Uint8Array, bytes: number): FileKind {
  if (bytes === 0) throw new HoldfastError('file_unreadable', 'The file is empty (0 bytes); export it again.')
  if (startsWith(head, 'PAR1')) return 'parquet'
  if (startsWith(head, 'PK\x03\x04') || startsWith(head, 'PK\x05\x06')) return kindOfZip(tail, bytes)
  if (head[0] === 0x1f && head[1] === 0x8b) return kindOfGzip(head, bytes)
  return kindOfText(head, head.length === bytes)
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text
}

function kindOfZip(tail: Uint8Array, bytes: number): FileKind {
  const names = readZipDirectory(tail, bytes)?.map(({ name }) => name) ?? []
  if (names.includes('xl/workbook.xml')) return 'xlsx'
  const what = names.some((name) => name.startsWith('word/')) ? 'a Word document' : 'a zip archive'
  throw unsupported(`${what}; unpack it and send the file inside`)
}

function kindOfGzip(head: Uint8Array, bytes: number): FileKind {
  let inner: Uint8Array
  try {
    // Cut off on purpose: SYNC_FLUSH gives what there is. The bound keeps a bomb from unfolding here.
    inner = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 128 * 1024 * 1024 })
  } catch (error) {
    throw new HoldfastError(
      'file_unreadable',
      'The gzip file is damaged; pack it again, or send it unpacked.',
      {
        cause: error,
      },
    )
  }
  if (inner.length === 0) throw new HoldfastError('file_unreadable', 'The gzip file has nothing in it.')
  if (startsWith(inner, 'PAR1') || startsWith(inner, 'PK\x03\x04'))
    throw unsupported('a gzip of a file that is compressed already; send it without the gzip around it')
  if (inner[0] === 0x1f && inner[1] === 0x8b) throw unsupported('a gzip inside a gzip; unpack it once')
  return kindOfText(inner.subarray(0, kindHeadBytes), head.length === bytes && inner.length <= kindHeadBytes)
}

function kindOfText(head: Uint8Array, complete: boolean): FileKind {
  const utf16 = utf16Of(head)
  const binary = utf16 === null ? binaryLooks(head) : null
  if (binary !== null) throw unsupported(binary)
  const text = new TextDecoder(utf16 ?? 'utf-8').decode(head)
  const trimmed = text.trimStart()
  if (trimmed === '' && complete)
    throw new HoldfastError('file_unreadable', 'The file is empty: it has only blank space; export it again.')
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) return kindOfJson(trimmed, complete) ?? 'csv'
  return sniffDialect(text, complete).delimiter === '\t' ? 'tsv' : 'csv'
}

/** JSON Lines: the first line is a whole object and there is another; a document goes on over lines or has one. */
function kindOfJson(text: string, complete: boolean): 'json' | 'jsonl' | null {
  const lineEnd = text.indexOf('\n')
  const first = (lineEnd < 0 ? text : text.slice(0, lineEnd)).trim()
  if (text.startsWith('{') && lineEnd >= 0 && isJson(first) && text.slice(lineEnd).trim() !== '')
    return 'jsonl'
  // `{"a":1` on a first line that is broken, with whole objects below it, is JSON Lines with a bad first line.
  const second =
    text
      .slice(lineEnd + 1)
      .split('\n', 1)[0]
      ?.trim() ?? ''
  if (lineEnd >= 0 && second.startsWith('{') && isJson(second) && first.endsWith('}')) return 'jsonl'
  if (complete) return isJson(text) || /^[{[]\s*["{[\]}]/.test(text) ? 'json' : null
  return /^[{[]\s*["{[\]}\d]/.test(text) ? 'json' : null
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const magics: readonly (readonly [string, string])[] = [
  ['%PDF', 'a PDF; export the table as CSV'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a Windows program'],
  ['SQLite format 3', 'an SQLite database; export the table as CSV'],
  ['\xd0\xcf\x11\xe0', 'an old Office file (.xls or .doc); save it as .xlsx or CSV'],
  ['7z\xbc\xaf', 'a 7-Zip archive; unpack it'],
  ['BZh', 'a bzip2 archive; unpack it, or use gzip'],
  ['\xfd7zXZ', 'an xz archive; unpack it, or use gzip'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive; unpack it, or use gzip'],
  ['ORC', 'an ORC file; export it as Parquet or CSV'],
  ['Obj\x01', 'an Avro file; export it as Parquet or CSV'],
]

/** Text has no zero bytes and hardly any control characters. */
function binaryLooks(head: Uint8Array): string | null {
  const controls = head.reduce(
    (sum, byte) => sum + (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12 ? 1 : 0),
    0,
  )
  const found = magics.find(([magic]) => startsWith(head, magic))
  if (found !== undefined && (controls > 0 || found[0].length > 3)) return found[1]
  return head.includes(0) || controls * 20 > head.length ? 'binary data' : null
}

function unsupported(what: string): HoldfastError {
  return new HoldfastError(
    'unsupported_media_type',
    `The file looks like ${what}. CSV, TSV, JSON, JSONL, Parquet and xlsx can be read, and gzip of the texts.`,
  )
}
