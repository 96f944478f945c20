import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import type { TimeStep } from '../field-mapping.ts'

/**
 * The step in which a column's times are written, from the values the profile shows: all at midnight, on the hour, on
 * the minute. A log of single requests falls on whole minutes by chance once in 60, so a handful of values decides.
 */
export function timeStepOf(column: ColumnProfile): TimeStep {
  const values = [
    ...column.samples,
    ...column.top.map((entry) => entry.value),
    ...(column.time === undefined ? [] : [column.time.min, column.time.max]),
  ]
  const instants = values.map(instantMs).filter((ms) => ms !== null)
  if (instants.length === 0) return 'second'
  const all = (stepMs: number) => instants.every((ms) => ms % stepMs === 0)
  if (all(86_400_000)) return 'day'
  if (all(3_600_000)) return 'hour'
  if (all(60_000)) return 'minute'
  return 'second'
}

/** Epochs by magnitude (§2 trap 5), dates in day or month order as midnight, naive times as UTC. */
function instantMs(raw: string): number | null {
  const value = raw.trim()
  if (/^\d{9,10}(\.\d+)?$/.test(value)) return Number(value) * 1_000
  if (/^\d{12,13}(\.\d+)?$/.test(value)) return Number(value)
  if (/^\d{15,16}$/.test(value)) return Number(value) / 1_000
  if (/^\d{18,19}$/.test(value)) return Number(value) / 1_000_000
  if (/^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$/.test(value)) return 0
  const clock = /^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}[ T](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(value)
  if (clock !== null)
    return (Number(clock[1]) * 3_600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)) * 1_000
  const zoned = /([zZ]|[+-]\d{2}:?\d{2})$/.test(value) && value.length > 10
  const ms = Date.parse(zoned ? value : `${value.replace(' ', 'T')}${value.length > 10 ? 'Z' : ''}`)
  return Number.isNaN(ms) ? null : ms
}
