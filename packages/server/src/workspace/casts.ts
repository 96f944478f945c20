/**
 * How text becomes a typed value: one table used by the profile (which counts what parses) and by every typed view
 * (which casts). Each is a DuckDB expression over a quoted VARCHAR column that gives NULL where it does not parse.
 */
export type CastName =
  | 'number'
  | 'number_thousands' // 1,234.5
  | 'number_german' // 1.234,5
  | 'money' // $1.50, USD 1.50, 1,234.50 €
  | 'boolean'
  | 'iso_time' // with zone, or naive and then read as UTC
  | 'epoch_s'
  | 'epoch_ms'
  | 'epoch_us'
  | 'epoch_ns'
  | 'date_dmy' // 31/12/2026
  | 'date_mdy' // 12/31/2026
  | 'json'

export interface Cast {
  readonly kind: 'number' | 'time' | 'boolean' | 'json'
  /** SQL type of the result: DOUBLE, TIMESTAMP (in UTC), BOOLEAN, JSON. */
  readonly type: string
  /** @param column the quoted name of a VARCHAR column */
  readonly sql: (column: string) => string
}

/** A plain number with an optional sign, the shape `number` shares with the others. */
const plain = String.raw`\d+(\.\d+)?([eE][+-]?\d+)?|\.\d+`
const thousands = String.raw`[1-9]\d{0,2}(,\d{3})+(\.\d+)?`
const currency = String.raw`(\$|€|£|¥|[A-Z]{3}|US\$)`

// NaN and Infinity are not values a sum may meet; DuckDB reads both, and 1e999 as Infinity.
const finite = (double: string): string => `CASE WHEN isfinite(${double}) THEN ${double} END`

const number = (column: string): string => finite(`try_cast(${column} AS DOUBLE)`)

const matching = (column: string, pattern: string, then: string): string =>
  `CASE WHEN regexp_full_match(trim(${column}), ${quoteText(pattern)}) THEN ${then} END`

/** Keeps out what TIMESTAMPTZ reads besides: `epoch`, `infinity`, years before Christ. */
const isoPattern = String.raw`\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?`

/**
 * Whether a text is more than blank space. Most begin with a visible ASCII character, and comparing that costs a fifth
 * of trim().
 */
export const isFilled = (column: string): string =>
  `((${column} >= '!' AND ${column} < chr(127)) OR trim(${column}) <> '')`

/** Epochs are told apart by magnitude: 1e8 to 1e10 seconds is 1973 to 2286, and no two ranges meet. */
const epoch = (perSecond: number) => (column: string) => {
  const value = `try_cast(${column} AS DOUBLE)`
  // HUGEINT keeps all digits of 19-digit nanoseconds; DOUBLE keeps fractions of seconds.
  const micros =
    perSecond === 1
      ? `(${value} * 1000000)::BIGINT`
      : perSecond === 1e9
        ? `(try_cast(${column} AS HUGEINT) // 1000)::BIGINT`
        : `(${value} * ${1e6 / perSecond})::BIGINT`
  return `CASE WHEN ${value} BETWEEN ${1e8 * perSecond} AND ${1e10 * perSecond} THEN make_timestamp(${micros}) END`
}

const clocks = ['', ' %H:%M', ' %H:%M:%S', ' %H:%M:%S.%f', ', %H:%M:%S', ' %I:%M %p', ' %I:%M:%S %p']

const dayFormats = (parts: readonly string[]): string => {
  const dates = ['/', '.', '-'].map((separator) => parts.join(separator))
  return `[${dates.flatMap((date) => clocks.map((clock) => quoteText(date + clock))).join(', ')}]`
}

// The length keeps 1/2/26 out: strptime would read the year 26.
const namedDay = (formats: string) => (column: string) =>
  matching(column, String.raw`\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*`, `try_strptime(trim(${column}), ${formats})`)

/**
 * In order of preference: where two casts of one kind parse equally many values, the earlier is the better reading,
 * and both are listed in the profile if they read some value differently (then a person has to be asked).
 *
 * `iso_time` casts through TIMESTAMPTZ because the cast to TIMESTAMP drops an offset silently; naive text is UTC
 * because every child sets TimeZone to UTC.
 */
export const casts: Readonly<Record<CastName, Cast>> = {
  number: { kind: 'number', type: 'DOUBLE', sql: number },
  number_thousands: {
    kind: 'number',
    type: 'DOUBLE',
    sql: (column) =>
      matching(column, `[+-]?(${thousands}|${plain})`, number(`replace(trim(${column}), ',', '')`)),
  },
  number_german: {
    kind: 'number',
    type: 'DOUBLE',
    sql: (column) =>
      matching(
        column,
        String.raw`[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?`,
        number(`replace(replace(trim(${column}), '.', ''), ',', '.')`),
      ),
  },
  money: {
    kind: 'number',
    type: 'DOUBLE',
    sql: (column) =>
      matching(
        column,
        String.raw`[+-]?${currency}?\s*[+-]?(${thousands}|${plain})\s*${currency}?`,
        number(`regexp_replace(${column}, '[^0-9.eE+-]|E?[A-Z]{2,}', '', 'g')`),
      ),
  },
  boolean: {
    kind: 'boolean',
    type: 'BOOLEAN',
    sql: (column) =>
      `CASE lower(trim(${column})) WHEN 'true' THEN true WHEN 'yes' THEN true WHEN 't' THEN true ` +
      `WHEN 'false' THEN false WHEN 'no' THEN false WHEN 'f' THEN false END`,
  },
  iso_time: {
    kind: 'time',
    type: 'TIMESTAMP',
    // What exports write is let through by LIKE, a tenth of the pattern's time; and make_timestamp says of the same
    // instant what timezone('UTC', …) says, without a calendar, a quarter of the whole.
    sql: (column) =>
      `CASE WHEN ${column} LIKE '20__-__-__T%' OR ${column} LIKE '20__-__-__ %' ` +
      `OR regexp_full_match(trim(${column}), ${quoteText(isoPattern)}) ` +
      `THEN make_timestamp(epoch_us(try_cast(${column} AS TIMESTAMPTZ))) END`,
  },
  epoch_s: { kind: 'time', type: 'TIMESTAMP', sql: epoch(1) },
  epoch_ms: { kind: 'time', type: 'TIMESTAMP', sql: epoch(1e3) },
  epoch_us: { kind: 'time', type: 'TIMESTAMP', sql: epoch(1e6) },
  epoch_ns: { kind: 'time', type: 'TIMESTAMP', sql: epoch(1e9) },
  date_dmy: { kind: 'time', type: 'TIMESTAMP', sql: namedDay(dayFormats(['%d', '%m', '%Y'])) },
  date_mdy: { kind: 'time', type: 'TIMESTAMP', sql: namedDay(dayFormats(['%m', '%d', '%Y'])) },
  json: {
    kind: 'json',
    type: 'JSON',
    sql: (column) =>
      `CASE WHEN regexp_matches(${column}, '^\\s*[{\\[]') AND json_valid(${column}) THEN try_cast(${column} AS JSON) END`,
  },
}

export const castNames = Object.keys(casts) as readonly CastName[]

/** A name as an SQL identifier; every name that stands in SQL goes through here. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
