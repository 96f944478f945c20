/** One record of delimited text: its fields, and the physical line (0 for the first) it starts at. */
export interface Record {
  readonly fields: readonly string[]
  readonly line: number
}

/**
 * Splits text the way RFC 4180 means it: a field that starts with the quote ends at the next lone quote; a quote
 * inside an unquoted field is an ordinary character (`6" pipe`).
 *
 * @param complete false for a sample cut off somewhere: its last record is then left out
 */
export function splitRecords(text: string, delimiter: string, quote: string, complete: boolean): Record[] {
  const records: Record[] = []
  let fields: string[] = []
  let line = 0
  let startLine = 0
  let at = 0
  const end = text.length
  while (at < end) {
    let field = ''
    if (quote !== '' && text.startsWith(quote, at)) {
      at += 1
      for (;;) {
        const close = text.indexOf(quote, at)
        if (close < 0) {
          // Never closed: in a sample the rest may follow; in a whole text the rest belongs to this field.
          field += text.slice(at)
          at = end
          break
        }
        field += text.slice(at, close)
        at = close + 1
        if (!text.startsWith(quote, at)) break
        field += quote
        at += 1
      }
      for (const char of field) if (char === '\n') line += 1
    }
    const from = at
    while (at < end && !text.startsWith(delimiter, at) && text[at] !== '\n' && text[at] !== '\r') at += 1
    fields.push(field + text.slice(from, at))
    if (at >= end) break
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length
      // A delimiter at the very end of the text still opens one more, empty field.
      if (at >= end) fields.push('')
      continue
    }
    at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1
    records.push({ fields, line: startLine })
    line += 1
    startLine = line
    fields = []
  }
  if (complete && fields.length > 0) records.push({ fields, line: startLine })
  return records
}

/** A line with nothing on it is no record of data. */
export const isBlank = (record: Record): boolean =>
  record.fields.length <= 1 && (record.fields[0] ?? '').trim() === ''
