import type { FileKind } from '@holdfast/protocol'
import type { FileMapping } from '../field-mapping.ts'
import type { FieldName, Grain } from '../fields.ts'

/** Alternative names of one column, the first that the file has is read. Nested JSON keys are joined by `.`. */
export type Names = readonly string[]

/** How an export's columns give one field. */
export type Reading =
  | { readonly as: 'text'; readonly from: Names }
  /** A model name whose vendor prefix (`openai/gpt-5`) is left out. */
  | { readonly as: 'bare_model'; readonly from: Names }
  /** One of the parts of a text split at `, `: 1 for the first. */
  | { readonly as: 'part'; readonly from: Names; readonly part: number }
  | { readonly as: 'count'; readonly from: Names }
  /** Addends; those the file lacks count 0, but one must be there. */
  | { readonly as: 'count_sum'; readonly of: readonly Names[] }
  /** `usdEach` is what one unit of the column is in USD; texts in `free` cost nothing. */
  | { readonly as: 'money'; readonly from: Names; readonly usdEach: number; readonly free: Names }
  | { readonly as: 'duration'; readonly from: Names; readonly msEach: number }
  /** Milliseconds between two times. */
  | { readonly as: 'between'; readonly from: Names; readonly to: Names }
  | { readonly as: 'time'; readonly from: Names }
  /** Numbers from a zero of their own. */
  | { readonly as: 'relative_time'; readonly from: Names; readonly msEach: number }
  /** A key of a JSON object in a cell (`{"feature":"chat"}`), or of a list of tags (`["feature:chat"]`). */
  | { readonly as: 'tag'; readonly from: Names; readonly keys: Names }

/** When a row succeeded, and when it is kept. */
export type Condition =
  | { readonly if: 'is_one_of'; readonly column: Names; readonly values: readonly string[] }
  | { readonly if: 'is_none_of'; readonly column: Names; readonly values: readonly string[] }
  | { readonly if: 'is_blank'; readonly column: Names }
  | { readonly if: 'is_filled'; readonly column: Names }
  | { readonly if: 'is_above'; readonly column: Names; readonly number: number }
  | {
      readonly if: 'is_between'
      readonly column: Names
      readonly low: number
      readonly high: number
    }

/** One provider's export, as facts. Sources and how sure we are of them stand in the catalogue of our test data. */
export interface Format {
  readonly id: string
  readonly title: string
  readonly vendor: FileMapping['vendor']
  /** All of these columns are there. */
  readonly detect: Names
  /** Only files of these kinds; empty means any. */
  readonly kinds: readonly FileKind[]
  /** `bucket`: a row sums a minute, an hour or a day; its times tell which. */
  readonly grain: Grain | 'bucket'
  /** Whether the input count already contains cache reads and writes; `unsure` lets the file's total decide. */
  readonly inputTokens: 'inclusive' | 'exclusive' | 'unsure'
  readonly fields: Readonly<Partial<Record<FieldName, Reading>>>
  /** A row that succeeded. */
  readonly ok: Condition | null
  /** What the condition says of a row when its column is missing from the file: no error was ever written. */
  readonly okWithoutColumn: 'unknown' | 'all'
  readonly keep: Condition | null
  /** The export is known in forms that differ in the unit of money: its size beside the tokens decides, or the user. */
  readonly costBySize?: true
  /** What a reader should know whatever is asked. */
  readonly notes: readonly string[]
  /** What a reader should know of an answer that uses the field. */
  readonly fieldNotes: Readonly<Partial<Record<FieldName, string>>>
}

export const text = (...from: string[]): Reading => ({ as: 'text', from })
export const count = (...from: string[]): Reading => ({ as: 'count', from })
export const countSum = (...of: Names[]): Reading => ({ as: 'count_sum', of })
export const time = (...from: string[]): Reading => ({ as: 'time', from })
export const milliseconds = (...from: string[]): Reading => ({ as: 'duration', from, msEach: 1 })
export const seconds = (...from: string[]): Reading => ({ as: 'duration', from, msEach: 1_000 })
export const usd = (...from: string[]): Reading => ({ as: 'money', from, usdEach: 1, free: [] })
