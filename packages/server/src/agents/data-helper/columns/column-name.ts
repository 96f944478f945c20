/** A column's name as words and the unit its end may state: `Latency (ms)`, `ttftSeconds`, `cost_usd`. */
export interface ColumnName {
  readonly words: readonly string[]
  readonly unit: Unit | null
}

export type Unit = DurationUnit | MoneyUnit
export type DurationUnit = 'ns' | 'us' | 'ms' | 's' | 'min'
export type MoneyUnit = 'usd' | 'cents' | 'micros' | 'other_currency'

const units: Readonly<Record<string, Unit>> = {
  ns: 'ns',
  nanos: 'ns',
  nanoseconds: 'ns',
  us: 'us',
  µs: 'us',
  micros: 'us',
  microseconds: 'us',
  ms: 'ms',
  msec: 'ms',
  msecs: 'ms',
  millis: 'ms',
  millisecond: 'ms',
  milliseconds: 'ms',
  s: 's',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'min',
  mins: 'min',
  minutes: 'min',
  usd: 'usd',
  dollar: 'usd',
  dollars: 'usd',
  cent: 'cents',
  cents: 'cents',
  microusd: 'micros',
  microdollars: 'micros',
  eur: 'other_currency',
  euro: 'other_currency',
  euros: 'other_currency',
  gbp: 'other_currency',
  chf: 'other_currency',
  jpy: 'other_currency',
}

/** Outer objects of nested exports: they say where a value stands, not what it is. */
const containers = new Set([
  'attributes',
  'body',
  'data',
  'details',
  'metadata',
  'properties',
  'request',
  'response',
  'result',
  'results',
  'usage',
])

/** Words that do not change what a column means. */
const noise = new Set([
  'count',
  'num',
  'number',
  'n',
  'nb',
  'no',
  'of',
  'the',
  'in',
  'llm',
  'ai',
  'usage',
  'api',
])

export function splitName(raw: string): ColumnName {
  const segments = raw.split('.')
  const kept = segments.filter(
    (segment, index) => index === segments.length - 1 || !containers.has(segment.toLowerCase()),
  )
  const words = kept
    .join(' ')
    .replace(/\$/g, ' usd ')
    .replace(/€/g, ' eur ')
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{Letter}\p{Number}µ]+/u)
    .filter((word) => word !== '')
  const last = words.at(-1) ?? ''
  const unit = words.length > 1 ? (units[last] ?? null) : null
  return { words: unit === null ? words : words.slice(0, -1), unit }
}

export function withoutNoise(words: readonly string[]): readonly string[] {
  const kept = words.filter((word) => !noise.has(word))
  return kept.length === 0 ? words : kept
}
