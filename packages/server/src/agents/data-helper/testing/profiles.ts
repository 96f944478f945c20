import { systemIdMaker } from '@holdfast/protocol'
import type { CastName } from '../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'

/** Profiles as an ingest would give them, for rules that need no file. */
export function profileOf(
  columns: readonly ColumnProfile[],
  more: Partial<Pick<FileProfile, 'kind' | 'rows' | 'problems' | 'fileName'>> = {},
): FileProfile {
  return {
    fileId: systemIdMaker()('file'),
    fileName: 'usage.csv',
    kind: 'csv',
    rows: 1_000,
    columns,
    layout: { encoding: 'utf-8', compression: 'none', rejectedRows: 0 },
    problems: [],
    ...more,
  }
}

const filled = 1_000

/** A column of numbers around a median. */
export function numbers(
  name: string,
  p50: number,
  more: Partial<NonNullable<ColumnProfile['numeric']>> & { readonly casts?: readonly CastName[] } = {},
): ColumnProfile {
  const { casts = ['number'], ...numeric } = more
  return {
    name,
    filled,
    distinct: 900,
    samples: [String(p50), String(p50 + 1)],
    parses: casts.map((cast) => ({ cast, count: filled })),
    numeric: {
      min: p50 / 10,
      max: p50 * 10,
      mean: p50 * 1.1,
      p50,
      p95: p50 * 3,
      zeros: 0,
      negatives: 0,
      allIntegers: Number.isInteger(p50),
      ...numeric,
    },
    top: [{ value: String(p50), count: 2 }],
  }
}

/** A column of few texts, all of them in `top`. */
export function texts(name: string, ...values: readonly string[]): ColumnProfile {
  const each = Math.floor(filled / values.length)
  return {
    name,
    filled: each * values.length,
    distinct: values.length,
    samples: values.slice(0, 5),
    parses: [],
    top: values.slice(0, 10).map((value) => ({ value, count: each })),
  }
}

/** A column of times, from the first sample to the last. */
export function times(
  name: string,
  samples: readonly string[],
  casts: readonly CastName[] = ['iso_time'],
): ColumnProfile {
  return {
    name,
    filled,
    distinct: 1_000,
    samples: samples.slice(0, 5),
    parses: casts.map((cast) => ({ cast, count: filled })),
    time: { min: '2026-09-01T02:00:07.188Z', max: '2026-10-31T20:42:24.867Z', medianStepSeconds: 60 },
    top: [],
  }
}

/** A column without a value in any row. */
export function empty(name: string): ColumnProfile {
  return { name, filled: 0, distinct: 0, samples: [], parses: [], top: [] }
}

export const timestamps = times('timestamp', ['2026-09-01T02:00:07.188Z', '2026-09-01T02:00:41.104Z'])
