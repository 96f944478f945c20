import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { uniqueNames } from './dialect.ts'
import type { FlatRow } from './json-rows.ts'

/** In the child's working directory. */
export const rowFilePath = 'rows.csv'

const flushLength = 1024 * 1024

export interface RowFile {
  add(row: FlatRow): Promise<void>
  /** @returns the columns in order of first appearance */
  end(): Promise<{ columns: readonly string[]; rows: number }>
}

/**
 * Writes rows whose columns are not known before the last one as text that DuckDB pads on the right: fast, and in
 * constant memory. Every value is quoted, so an empty text is written like a missing one (both count as blank).
 */
export function openRowFile(known: readonly string[] = []): RowFile {
  const file = createWriteStream(rowFilePath, { mode: 0o600 })
  const places = new Map(known.map((name, place) => [name, place]))
  let buffer = ''
  let rows = 0
  const flush = async (): Promise<void> => {
    const full = !file.write(buffer)
    buffer = ''
    if (full) await once(file, 'drain')
  }
  return {
    async add(row) {
      const cells: string[] = []
      for (const [name, value] of row) {
        let place = places.get(name)
        if (place === undefined) {
          place = places.size
          places.set(name, place)
        }
        cells[place] = value === '' ? '' : `"${value.replaceAll('"', '""')}"`
      }
      // The leading mark keeps a row without any value from being an empty line, which would be no row at all.
      buffer += `1,${cells.join(',')}\n`
      rows += 1
      if (buffer.length >= flushLength) await flush()
    },
    async end() {
      await flush()
      file.end()
      await finished(file)
      return { columns: uniqueNames([...places.keys()]).names, rows }
    },
  }
}
