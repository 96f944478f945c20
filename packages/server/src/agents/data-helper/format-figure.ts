import type { Figure } from '@holdfast/protocol'

type Value = Figure['value']
type Format = (value: number) => string

/** Enough digits for prose; the exact value stands in the table that the figure cites. */
const significant = 4

const grouped = (value: number, digits: number, least = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: least, maximumFractionDigits: digits })

/** At least `significant` digits, and every digit before the point. */
function short(value: number): string {
  if (Number.isInteger(value)) return grouped(value, 0)
  const before = Math.floor(Math.log10(Math.abs(value))) + 1
  return grouped(value, Math.min(20, Math.max(0, significant - before)))
}

function dollars(value: number): string {
  const sign = value < 0 ? '−' : ''
  const amount = Math.abs(value)
  if (amount === 0 || amount >= 1) return `${sign}$${grouped(amount, 2, 2)}`
  // Cents would hide what single requests cost: $0.005353 keeps its digits.
  return `${sign}$${grouped(Number(amount.toPrecision(significant)), 20, 2)}`
}

const units: Readonly<Record<string, Format>> = {
  USD: dollars,
  ms: (value) => `${grouped(value, Math.abs(value) < 10 ? 2 : 0)} ms`,
  s: (value) => `${short(value)} s`,
  '%': (value) => `${short(value)} %`,
  // A share is stored as 0…1.
  share: (value) => `${grouped(value * 100, Math.abs(value) < 0.1 ? 2 : 1)} %`,
  '': short,
}

/** Counted things: never a fraction in prose unless they are a mean. */
const counted = (unit: string): Format => {
  const singular = unit.endsWith('s') && !unit.includes('/') ? unit.slice(0, -1) : unit
  return (value) =>
    `${Math.abs(value) >= 100 ? grouped(value, 0) : short(value)} ${value === 1 ? singular : unit}`
}

/** A figure as prose shows it: $24.12, 9,619 ms, 1,257,868 tokens/min, 16 Nov 2023 18:31 UTC. */
export function formatFigure(figure: Pick<Figure, 'value' | 'unit'>): string {
  const { value, unit } = figure
  if (value === null) return 'no value'
  if (typeof value === 'string') return formatText(value, unit)
  if (!Number.isFinite(value)) return 'no value'
  return (Object.hasOwn(units, unit) ? units[unit] : undefined)?.(value) ?? counted(unit)(value)
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const timeText =
  /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|\+00(?::?00)?)?)?)?$/u

function formatText(value: Exclude<Value, number | null>, unit: string): string {
  const time = timeText.exec(value)
  if (time !== null && (unit === 'UTC' || unit === '')) {
    const [, year, month, day, clock, seconds] = time
    const name = months[Number(month) - 1]
    if (name === undefined) return value
    const date = day === undefined ? `${name} ${year}` : `${Number(day)} ${name} ${year}`
    if (clock === undefined) return date
    return `${date} ${clock}${seconds === undefined || seconds === '00' ? '' : `:${seconds}`} UTC`
  }
  // Whole numbers beyond 2^53 arrive as text (protocol: Cell).
  if (/^-?\d{16,}$/u.test(value))
    return `${BigInt(value).toLocaleString('en-US')}${unit === '' ? '' : ` ${unit}`}`
  return unit === '' || unit === 'UTC' ? value : `${value} ${unit}`
}
