export interface ZipEntry {
  readonly name: string
  /** As the archive claims; it may lie. */
  readonly unpackedBytes: number
}

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50

/**
 * The directory of a zip archive, read from its last bytes without unpacking anything.
 *
 * @param tail the last bytes of the archive; the directory must lie in them
 * @returns null where there is none to be found
 */
export function readZipDirectory(tail: Uint8Array, archiveBytes: number): readonly ZipEntry[] | null {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  let end = tail.length - 22
  while (end >= 0 && view.getUint32(end, true) !== endOfDirectory) end -= 1
  if (end < 0) return null
  const count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true) - (archiveBytes - tail.length)
  const entries: ZipEntry[] = []
  for (let index = 0; index < count; index += 1) {
    if (at < 0 || at + 46 > tail.length || view.getUint32(at, true) !== directoryEntry) return null
    const nameLength = view.getUint16(at + 28, true)
    const skip = view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    const name = new TextDecoder().decode(tail.subarray(at + 46, at + 46 + nameLength))
    entries.push({ name, unpackedBytes: view.getUint32(at + 24, true) })
    at += 46 + nameLength + skip
  }
  return entries
}

/** How much of an archive's end is looked at: room for the directory of an ordinary workbook. */
export const zipTailBytes = 256 * 1024
