import { isBlank, type Record, splitRecords } from './records.ts'

/** How delimited text is laid out. `delimiter` never occurs in the text where it is one column. */
export interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly header: boolean
  /** Physical lines before the header, or before the first row where there is no header. */
  readonly skipLines: number
  /** Unique, also without regard to case (DuckDB's rule for columns). */
  readonly columns: readonly string[]
  readonly problems: readonly string[]
}

export const delimiters = [',', ';', '\t', '|'] as const

/** ASCII unit separator: stands for "no delimiter" where a file has one column. */
export const noDelimiter = '\u001f'

interface Candidate {
  readonly delimiter: string
  readonly quote: string
  readonly records: readonly Record[]
  /** The most frequent number of fields. */
  readonly width: number
  /** Share of records that have it. */
  readonly share: number
}

/**
 * Chooses the layout from the beginning of the text. DuckDB's own sniffer answers "one column" without a word when one
 * row has a stray quote (36 of 36 trial files), so it is not asked.
 */
export function sniffDialect(text: string, complete: boolean): Dialect {
  const candidates = delimiters.flatMap((delimiter) => readAs(text, delimiter, complete))
  const best = candidates
    .filter((candidate) => candidate.width > 1)
    .toSorted((a, b) => score(b) - score(a))
    .at(0)
  if (best !== undefined && (best.share >= 0.5 || headerPromises(best))) return layOut(best)
  return layOut({
    delimiter: noDelimiter,
    quote: '',
    records: splitRecords(text, noDelimiter, '', complete).filter((record) => !isBlank(record)),
    width: 1,
    share: 1,
  })
}

function readAs(text: string, delimiter: string, complete: boolean): Candidate[] {
  const quotes = text.includes(`'${delimiter}'`) && !text.includes('"') ? ['"', "'"] : ['"']
  return quotes.map((quote) => {
    const records = splitRecords(text, delimiter, quote, complete).filter((record) => !isBlank(record))
    const counts = Map.groupBy(records, (record) => record.fields.length)
    const [width, alike] = [...counts].toSorted(
      (a, b) => b[1].length * Math.min(b[0], 2) - a[1].length * Math.min(a[0], 2),
    )[0] ?? [0, []]
    return {
      delimiter,
      quote,
      records,
      width,
      share: records.length === 0 ? 0 : alike.length / records.length,
    }
  })
}

/**
 * A delimiter is the likelier the more records agree on it and, between equals, the more columns it makes. The first
 * record counts for much: `a;b` over `1,5;2,5` is two columns by `;` and not three by `,`.
 */
function score(candidate: Candidate): number {
  const first = candidate.records[0]?.fields.length === candidate.width ? 0.2 : 0
  return candidate.share + first + Math.min(candidate.width, 50) / 1_000
}

/** Ragged rows under a header that plainly has columns: those rows get rejected, the file is not one column. */
const headerPromises = (candidate: Candidate): boolean => {
  const header = candidate.records[0]?.fields ?? []
  return header.length > 1 && header.every((name) => name.trim() !== '' && name.trim().length <= 64)
}

function layOut(candidate: Candidate): Dialect {
  const { delimiter, quote, records } = candidate
  const layout = findHeader(records.map((record) => record.fields))
  const skipLines = records[layout.skip]?.line ?? 0
  return {
    delimiter,
    quote,
    header: layout.header,
    skipLines,
    columns: layout.columns,
    problems: [...preambleProblem(skipLines), ...layout.problems],
  }
}

export interface HeaderLayout {
  /** Records before the header or first row. */
  readonly skip: number
  readonly header: boolean
  readonly columns: readonly string[]
  readonly problems: readonly string[]
}

/** A preamble is at most so long; a longer run of odd lines is ragged data. */
const maxPreambleRecords = 25

/** Finds the header among the first records, of text and of spreadsheets alike. */
export function findHeader(records: readonly (readonly string[])[]): HeaderLayout {
  const width = modalWidth(records)
  const found = records.findIndex(
    (fields) =>
      fields.length === width && (width === 1 || fields.filter((field) => field.trim() !== '').length > 1),
  )
  const skip = found < 0 || found > maxPreambleRecords || width === 1 ? 0 : found
  const first = records[skip] ?? []
  const header = !looksLikeData(first, records.slice(skip + 1, skip + 50))
  const problems = header ? [] : ['There is no header line: columns are called column_1, column_2, ….']
  const named = uniqueNames(first.map((name) => (header ? name : '')))
  return {
    skip,
    header,
    columns: named.names,
    problems: header ? named.problems : problems,
  }
}

export const preambleProblem = (lines: number): string[] =>
  lines === 0
    ? []
    : [
        `${lines} line${lines === 1 ? '' : 's'} before the header ${lines === 1 ? 'is' : 'are'} not data and left out.`,
      ]

function modalWidth(records: readonly (readonly string[])[]): number {
  const counts = Map.groupBy(records, (fields) => fields.length)
  return (
    [...counts].toSorted(
      (a, b) => b[1].length * Math.min(b[0], 2) - a[1].length * Math.min(a[0], 2),
    )[0]?.[0] ?? 0
  )
}

const numberLike = /^[+-]?[$€£]?\d[\d.,]*%?$/
const timeLike = /^\d{4}-\d{2}-\d{2}|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}/
const yearLike = /^(19|20)\d{2}$/

/** A first line of values instead of names: most of its cells are numbers or times, as those below them. */
function looksLikeData(first: readonly string[], below: readonly (readonly string[])[]): boolean {
  const isValue = (text: string): boolean => numberLike.test(text.trim()) || timeLike.test(text.trim())
  const filled = first.filter((text) => text.trim() !== '')
  // Years are usual names of columns in a pivoted table.
  const values = first.filter((text, index) => {
    if (!isValue(text) || yearLike.test(text.trim())) return false
    return below.length === 0 || below.some((fields) => isValue(fields[index] ?? ''))
  })
  return values.length > 0 && values.length * 2 >= filled.length
}

/** Trims names, fills in missing ones, and makes repeats differ by `_2`, `_3`, …. */
export function uniqueNames(raw: readonly string[]): { names: string[]; problems: string[] } {
  const taken = new Set<string>()
  const problems: string[] = []
  const names = raw.map((text, index) => {
    const wanted = text.trim() === '' ? `column_${index + 1}` : text.trim()
    let name = wanted
    for (let count = 2; taken.has(name.toLowerCase()); count += 1) name = `${wanted}_${count}`
    taken.add(name.toLowerCase())
    if (text.trim() === '')
      problems.push(`Column ${index + 1} has no name in the header: it is called ${name}.`)
    else if (name !== wanted)
      problems.push(`The header has "${wanted}" more than once: column ${index + 1} is called ${name}.`)
    return name
  })
  return { names, problems }
}
