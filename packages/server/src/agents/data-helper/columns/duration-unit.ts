import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import type { FieldQuestion } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import type { DurationUnit } from './column-name.ts'

export const msEach: Readonly<Record<DurationUnit, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1_000,
  min: 60_000,
}

/** A median request takes this long for each output token, whatever the model (trap 4). */
export const plausibleMsPerOutputToken = { least: 1, most: 200 } as const

/** Without output tokens only the impossible is ruled out: a median below 1 ms or above a day. */
export const possibleMedianMs = { least: 1, most: 86_400_000 } as const

export type UnitDecision =
  | { readonly kind: 'decided'; readonly unit: DurationUnit; readonly evidence: string }
  | { readonly kind: 'open'; readonly units: readonly DurationUnit[] }

/** Units people write durations in without saying so; ns and minutes always come with a suffix or a known format. */
const usual: readonly DurationUnit[] = ['ms', 's', 'us']

/** Which unit a duration column is in, from its size next to the output tokens. */
export function decideUnit(column: ColumnProfile, outputTokens: ColumnProfile | null): UnitDecision {
  const median = column.numeric?.p50 ?? 0
  const tokens = outputTokens?.numeric?.p50 ?? 0
  if (median > 0 && tokens > 0) {
    const per = (unit: DurationUnit) => (median * msEach[unit]) / tokens
    const fits = usual.filter(
      (unit) => per(unit) >= plausibleMsPerOutputToken.least && per(unit) <= plausibleMsPerOutputToken.most,
    )
    const [only, second] = fits
    if (only !== undefined && second === undefined)
      return {
        kind: 'decided',
        unit: only,
        evidence: `read as ${unitName(only)}: the median is ${round(per(only))} ms per output token`,
      }
  } else {
    const fits = (['ms', 's'] as const).filter(
      (unit) =>
        median * msEach[unit] >= possibleMedianMs.least && median * msEach[unit] <= possibleMedianMs.most,
    )
    const [only, second] = fits
    if (only !== undefined && second === undefined)
      return { kind: 'decided', unit: only, evidence: `read as ${unitName(only)}: nothing else is possible` }
  }
  return { kind: 'open', units: ['ms', 's'] }
}

export function unitQuestion(
  field: FieldName,
  column: ColumnProfile,
  units: readonly DurationUnit[],
  why = 'neither its name nor its size settles it',
): FieldQuestion {
  const median = column.numeric?.p50 ?? 0
  return {
    id: `unit:${column.name}`,
    field,
    text: `In which unit is the column "${column.name}"? Its median value is ${round(median)}, and ${why}.`,
    choices: units.map((unit) => ({
      value: unit,
      label: `${unitName(unit)} (the median would be ${readable(median * msEach[unit])})`,
    })),
  }
}

export function unitName(unit: DurationUnit): string {
  switch (unit) {
    case 'ns':
      return 'nanoseconds'
    case 'us':
      return 'microseconds'
    case 'ms':
      return 'milliseconds'
    case 's':
      return 'seconds'
    case 'min':
      return 'minutes'
  }
}

export function isDurationUnit(unit: string | null): unit is DurationUnit {
  return unit !== null && unit in msEach
}

function readable(ms: number): string {
  if (ms < 1_000) return `${round(ms)} ms`
  if (ms < 120_000) return `${round(ms / 1_000)} s`
  return `${round(ms / 60_000)} min`
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
