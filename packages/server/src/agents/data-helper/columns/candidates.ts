import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import { type FieldName, fieldType } from '../fields.ts'
import { splitName, type Unit, withoutNoise } from './column-name.ts'
import { numberOf, share, timeOf } from './read-column.ts'
import { aggregateWords, vocabulary } from './vocabulary.ts'

/** A column that may be a field: how sure its name and its values make us together. */
export interface Candidate {
  readonly column: ColumnProfile
  readonly unit: Unit | null
  readonly confidence: number
  readonly evidence: string
}

/** A known phrase among further words says less: `cost` in `cost_note` might be anything. */
const weights = { oneWordAmongOthers: 0.75, phraseAndOneWord: 0.9, phraseAndMore: 0.78 } as const

/** Below, a column is not worth asking about. */
const leastConfidence = 0.5

/** Columns that may be `field`, surest first. */
export function candidates(
  profile: FileProfile,
  field: Exclude<FieldName, 'token_kind'>,
): readonly Candidate[] {
  return profile.columns
    .filter((column) => column.filled > 0)
    .flatMap((column) => {
      const name = splitName(column.name)
      const named = nameConfidence(field, name.words)
      if (named === 0) return []
      const fit = valueFit(field, column)
      const confidence = Math.round(named * fit * 100) / 100
      if (confidence < leastConfidence) return []
      return [{ column, unit: name.unit, confidence, evidence: evidence(field, column) }]
    })
    .toSorted((left, right) => right.confidence - left.confidence)
}

function nameConfidence(field: Exclude<FieldName, 'token_kind'>, words: readonly string[]): number {
  const known = vocabulary[field]
  const full = known[words.join(' ')]
  if (full !== undefined) return full
  // The mean latency of an hour is not the latency of a request.
  if (words.some((word) => aggregateWords.has(word))) return 0
  const plain = withoutNoise(words)
  const reduced = known[plain.join(' ')]
  if (reduced !== undefined) return reduced
  let best = 0
  for (const [phrase, confidence] of Object.entries(known)) {
    const parts = phrase.split(' ')
    if (parts.length >= plain.length || !contains(plain, parts)) continue
    const extra = plain.length - parts.length
    const weight =
      parts.length === 1
        ? weights.oneWordAmongOthers
        : extra === 1
          ? weights.phraseAndOneWord
          : weights.phraseAndMore
    best = Math.max(best, confidence * weight)
  }
  return best
}

function contains(words: readonly string[], parts: readonly string[]): boolean {
  return words.some((_, index) => parts.every((part, offset) => words[index + offset] === part))
}

/** Whether a column's values can be the field at all, 0…1. */
function valueFit(field: FieldName, column: ColumnProfile): number {
  switch (fieldType(field)) {
    case 'TIMESTAMP':
      if (timeOf(column).kind !== 'none') return 1
      // Seconds or milliseconds from a start of their own.
      return numberOf(column, 'any') !== null && (column.numeric?.min ?? -1) >= 0 ? 0.85 : 0
    case 'DOUBLE': {
      const whole = fieldIsCount(field)
      const number = numberOf(column, whole ? 'whole' : 'any')
      if (number === null || column.numeric === undefined) return 0
      if (column.numeric.negatives > 0 && field !== 'cost_usd') return 0.6
      if (whole && column.numeric.allIntegers === false && column.parses[0]?.cast === 'number') return 0.7
      return 1
    }
    case 'VARCHAR':
      return textFit(field, column)
  }
}

/** A model column names few models; one value a row is an identifier. */
const mostModels = 500

function textFit(field: FieldName, column: ColumnProfile): number {
  const wordy = column.samples.some((sample) => /\p{Letter}/u.test(sample))
  switch (field) {
    case 'model':
      return wordy && column.distinct <= mostModels ? 1 : 0.4
    case 'status':
      return column.distinct <= mostModels ? 1 : 0.3
    case 'request_id':
      return column.distinct >= column.filled * 0.9 ? 1 : 0.5
    case 'feature':
    case 'tenant':
      return share(column.distinct, column.filled) < 0.5 || column.filled < 20 ? 1 : 0.5
    default:
      return 1
  }
}

export function fieldIsCount(field: FieldName): boolean {
  return field.endsWith('_tokens') || field === 'request_count'
}

function evidence(field: FieldName, column: ColumnProfile): string {
  const named = `named "${column.name}"`
  const { numeric, time } = column
  if (fieldType(field) === 'DOUBLE' && numeric !== undefined)
    return `${named}; ${column.filled} values, median ${numeric.p50}`
  if (fieldType(field) === 'TIMESTAMP' && time !== undefined)
    return `${named}; from ${time.min} to ${time.max}`
  const values = column.top.slice(0, 3).map((entry) => entry.value)
  return `${named}; values such as ${values.join(', ')}`
}

/** Two columns that say the same are no choice to ask about. */
export function sameContent(left: ColumnProfile, right: ColumnProfile): boolean {
  return JSON.stringify(digest(left)) === JSON.stringify(digest(right))
}

/** Without means, whose last digits depend on the order of adding, and without the order of equally frequent values. */
function digest({ filled, samples, numeric, time, top }: ColumnProfile) {
  const numbers = numeric && [numeric.min, numeric.p50, numeric.p95, numeric.max, numeric.zeros]
  return [filled, samples, numbers ?? null, time ?? null, top.map((entry) => entry.count)]
}
