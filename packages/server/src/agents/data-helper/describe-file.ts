import type { ColumnInfo, FileProfileInfo } from '@holdfast/protocol'
import { casts } from '../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../workspace/file-profile.ts'
import { isMapped, mapFile } from './field-mapping.ts'

/** A file as its owner may look at it: what its columns hold, and what they were found to mean. */
export function describeFile(profile: FileProfile): FileProfileInfo {
  const mapping = mapFile(profile, new Map())
  return {
    fileId: profile.fileId,
    rows: profile.rows,
    format: mapping.format,
    grain: mapping.grain,
    columns: profile.columns.map((column) => ({
      name: column.name,
      type: typeOf(column),
      filled: column.filled,
      distinct: column.distinct,
      samples: [...column.samples],
      range: rangeOf(column),
    })),
    fields: Object.values(mapping.fields).map(({ field, columns, confidence, evidence }) => ({
      field,
      columns: [...columns],
      confidence,
      evidence,
      mapped: isMapped(mapping, field),
    })),
    problems: [...profile.problems],
  }
}

/** At least this share of a column's values has to read as a type for the column to be of it. */
const enough = 0.95

/** What most of a column's values are; text where no cast reads nearly all of them. */
export function typeOf({ filled, parses }: Pick<ColumnProfile, 'filled' | 'parses'>): ColumnInfo['type'] {
  if (filled === 0) return 'empty'
  const [best] = parses
  return best !== undefined && best.count >= enough * filled ? casts[best.cast].kind : 'text'
}

function rangeOf(column: ColumnProfile): ColumnInfo['range'] {
  const summary = typeOf(column) === 'time' ? column.time : column.numeric
  return summary === undefined ? null : { min: summary.min, max: summary.max }
}
