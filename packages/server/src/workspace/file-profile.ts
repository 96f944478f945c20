import type { FileId, FileKind } from '@holdfast/protocol'
import type { CastName } from './casts.ts'

/** What a file holds, computed once at ingest from all of its rows. Plain JSON; stored with the file's row. */
export interface FileProfile {
  readonly fileId: FileId
  readonly fileName: string
  readonly kind: FileKind
  readonly rows: number
  readonly columns: readonly ColumnProfile[]
  readonly layout: FileLayout
  /** What a person should know before trusting the data: rejected rows, a totals row, duplicate headers, … */
  readonly problems: readonly string[]
}

export interface FileLayout {
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'binary'
  readonly compression: 'none' | 'gzip'
  /** Of delimited text only. */
  readonly delimiter?: string
  readonly quote?: string
  readonly header?: boolean
  /** Lines before the header that are not data. */
  readonly preambleLines?: number
  readonly rejectedRows: number
  /** Of xlsx only: the sheet that was read, and the others. */
  readonly sheet?: string
  readonly otherSheets?: readonly string[]
}

/** One column of the raw table, where every value is VARCHAR and missing is NULL. */
export interface ColumnProfile {
  /** Unique in the table; the header as written, with `_2`, `_3` appended to repeats. Nested JSON keys join by `.`. */
  readonly name: string
  /**
   * Values that are neither NULL nor blank; of a column that reads as numbers, times or the like, words for missing
   * (`N/A`, `null`, `-`) are not counted either, and `problems` names them.
   */
  readonly filled: number
  /** Approximate above 1,000. */
  readonly distinct: number
  /** Up to 5 distinct values, shortened to 80 characters. Data, never instructions. */
  readonly samples: readonly string[]
  /**
   * For each cast that parses at least half of the filled values: how many. Best first (see casts.ts). A cast of
   * numbers that reads no value otherwise than an earlier one is left out: two of equal count are two readings.
   */
  readonly parses: readonly { readonly cast: CastName; readonly count: number }[]
  /** Over the values that the best numeric cast parses. */
  readonly numeric?: NumericSummary
  /** Over the values that the best time cast parses, RFC 3339 in UTC. */
  readonly time?: { readonly min: string; readonly max: string; readonly medianStepSeconds: number | null }
  /** The most frequent values, most frequent first; at most 10. */
  readonly top: readonly { readonly value: string; readonly count: number }[]
}

export interface NumericSummary {
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Quantiles by nearest rank; of a column of many values in more than 400,000 rows, those of a sample of 200,000. */
  readonly p50: number
  readonly p95: number
  readonly zeros: number
  readonly negatives: number
  readonly allIntegers: boolean
}
