import { gunzipSync, gzipSync } from 'node:zlib'
import { Line } from './lines.ts'
import { historyLimits } from './recorder.ts'

/** JSON lines, compressed. */
export function packHistory(lines: readonly Line[]): Buffer {
  return gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

/** @throws {HistoryError} not a history */
export function unpackHistory(packed: Uint8Array): readonly Line[] {
  let text: string
  try {
    text = gunzipSync(packed, { maxOutputLength: historyLimits.totalBytes * 2 }).toString('utf8')
  } catch (error) {
    throw new HistoryError('This is not a compressed history', { cause: error })
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return Line.parse(JSON.parse(line))
      } catch (error) {
        throw new HistoryError(`Line ${index + 1} of the history cannot be read`, { cause: error })
      }
    })
}
