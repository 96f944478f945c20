import type { FileId, Question } from '@holdfast/protocol'
import type { FieldName, Grain } from './fields.ts'

/** How one field is read from one file's raw table. */
export interface MappedField {
  readonly field: FieldName
  /** Columns it is read from; more than one where it is derived (latency = end − start). */
  readonly columns: readonly string[]
  /** 0…1; at least 0.8 counts as mapped (verdict rule). */
  readonly confidence: number
  /** For people: why this column. */
  readonly evidence: string
  /** DuckDB expression over the raw table, already of the field's type and unit; NULL where a value does not parse. */
  readonly sql: string
  /** Share of the filled values that parse, 0…1. */
  readonly parsed: number
  /** Derived from other fields rather than read, e.g. cost from model, tokens and list prices: labelled in the answer. */
  readonly estimated: boolean
}

/** What a file's columns mean. Pure: computed from its profile and the choices the user has made in the thread. */
export interface FileMapping {
  readonly fileId: FileId
  readonly fileName: string
  /** The export format that was recognised, e.g. litellm_spendlogs; null for a table of the user's own. */
  readonly format: string | null
  readonly grain: Grain
  readonly rows: number
  readonly fields: Readonly<Partial<Record<FieldName, MappedField>>>
  /** Two readings that are level, each one question with choices; the fields they concern are not mapped until answered. */
  readonly questions: readonly (Question & { readonly field: FieldName })[]
  /** Rows that must be left out (a totals row, Langfuse parents): a DuckDB condition for rows to keep, or null. */
  readonly keep: string | null
  /** What a reader of the answer should know. */
  readonly notes: readonly string[]
}
