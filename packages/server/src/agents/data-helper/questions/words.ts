/** A piece of a question. `text` is as written, `word` is what it is compared by. */
export interface Token {
  readonly kind: 'word' | 'number' | 'quoted' | 'operator' | 'comma' | 'other'
  readonly text: string
  readonly word: string
  /** Of a number: its value, and the unit written on it (ms, s, %, $; k and m are multiplied out). */
  readonly value?: number
  readonly unit?: string
}

/** A question longer than this is not a simple question; reading it costs time quadratic in its words. */
export const maxQuestionTokens = 80

const piece =
  /"([^"]*)"|“([^”]*)”|(?<![\p{L}\d])'([^']*)'(?![\p{L}\d])|(>=|<=|!=|<>|==|[=<>≥≤≠])|(,)|((?:[\p{L}\d$€£_]|(?<!\.)\.(?=\d))[\p{L}\d_.:/@$%+-]*(?:,\d{3}(?!\d)[\p{L}\d.%]*)*)|(\S)/gu

const numberText = /^([$€£])?(\d{1,3}(?:,\d{3})+|\d+|(?=\.))(\.\d+)?(%|[a-zµ]{1,7})?$/iu
const ordinalText = /^\d+(st|nd|rd|th)$/iu

const numberUnits: Readonly<Record<string, { unit: string; times: number }>> = {
  k: { unit: '', times: 1_000 },
  // Millions, but of a duration it may be minutes: whoever compares has to ask.
  m: { unit: 'm', times: 1_000_000 },
  ms: { unit: 'ms', times: 1 },
  s: { unit: 's', times: 1 },
  sec: { unit: 's', times: 1 },
  min: { unit: 'min', times: 1 },
  h: { unit: 'h', times: 1 },
  hr: { unit: 'h', times: 1 },
  // Greek, as NFKC writes the sign for micro.
  \u03bcs: { unit: 'µs', times: 1 },
  us: { unit: 'µs', times: 1 },
  ns: { unit: 'ns', times: 1 },
  usd: { unit: 'USD', times: 1 },
  '%': { unit: '%', times: 1 },
}

const brackets = new Set(['(', ')', '[', ']', '?', '!', '.', ';', ':', '…'])

/** Splits a question; sentence punctuation goes, quotes, operators and commas stay. */
export function tokenise(text: string): readonly Token[] {
  const plain = text
    .normalize('NFKC')
    .replaceAll(/[‘’]/gu, "'")
    // "isn't" must not lose its "not"; "acme's" and "what's" lose nothing that changes the meaning.
    .replaceAll(/n't\b/giu, ' not')
    .replaceAll(/'s\b/giu, '')
  const tokens: Token[] = []
  for (const match of plain.matchAll(piece)) {
    const quoted = match[1] ?? match[2] ?? match[3]
    if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted, word: quoted.toLowerCase() })
    else if (match[4] !== undefined) tokens.push({ kind: 'operator', text: match[4], word: match[4] })
    else if (match[5] !== undefined) tokens.push({ kind: 'comma', text: ',', word: ',' })
    else if (match[6] !== undefined) tokens.push(wordOrNumber(match[6].replace(/[.:/+-]+$/u, '')))
    else if (match[7] !== undefined && !brackets.has(match[7]))
      tokens.push({ kind: 'other', text: match[7], word: match[7] })
  }
  return tokens
}

function wordOrNumber(text: string): Token {
  const word = text.toLowerCase()
  const match = numberText.exec(text)
  if (match === null || ordinalText.test(text)) return { kind: 'word', text, word }
  const suffix = match[4]?.toLowerCase()
  const known = suffix === undefined ? { unit: match[1] === '$' ? 'USD' : '', times: 1 } : numberUnits[suffix]
  if (known === undefined || match[1] === '€' || match[1] === '£') return { kind: 'word', text, word }
  const digits = Number(`${match[2]?.replaceAll(',', '')}${match[3] ?? ''}`)
  return { kind: 'number', text, word, value: digits * known.times, unit: known.unit }
}

/** Singular of an English noun, good enough to match "requests" with "request" and "latencies" with "latency". */
export function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.length > 4 && /(?:sses|xes|ches|shes)$/u.test(word)) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith('s') && !/(?:ss|us|is)$/u.test(word)) return word.slice(0, -1)
  return word
}

/** The words of a name: `cacheReadTokens`, `cache_read_tokens` and `Cache read tokens` are the same three, stemmed. */
export function nameWords(name: string): readonly string[] {
  return name
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '')
    .map(stem)
}

/** One letter added, lost, changed, or two neighbours swapped; only words of five letters and more may be misspelt. */
export function nearlySame(one: string, other: string): boolean {
  if (one === other) return true
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  if (short.length < 5 || long.length - short.length > 1) return false
  let at = 0
  while (at < short.length && short[at] === long[at]) at += 1
  const restShort = short.slice(at)
  const restLong = long.slice(at)
  if (restShort === restLong.slice(1) || restShort.slice(1) === restLong.slice(1)) return true
  return (
    restShort.length === restLong.length &&
    restShort[0] === restLong[1] &&
    restShort[1] === restLong[0] &&
    restShort.slice(2) === restLong.slice(2)
  )
}
