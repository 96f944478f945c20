import type { Question } from '@holdfast/protocol'

const ordinals: Readonly<Record<string, number>> = {
  first: 0,
  '1st': 0,
  second: 1,
  '2nd': 1,
  third: 2,
  '3rd': 2,
  fourth: 3,
  '4th': 3,
}

/** Other words for a choice's value. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  ms: ['ms', 'msec', 'millis', 'milli', 'millisecond', 'milliseconds'],
  s: ['s', 'sec', 'secs', 'seconds'],
  us: ['us', 'µs', 'micros', 'microsecond', 'microseconds'],
  ns: ['ns', 'nanos', 'nanosecond', 'nanoseconds'],
  dmy: ['dmy', 'day', 'day first', 'dd/mm', 'european'],
  mdy: ['mdy', 'month', 'month first', 'mm/dd', 'american', 'us format'],
  usd: ['usd', 'dollar', 'dollars', '$'],
  cents: ['cents', 'cent', 'us cents'],
  nanos: ['nanos', 'nano-dollars', 'billionths'],
  micros: ['micros', 'micro-dollars', 'microdollars', 'millionths'],
  none: ['none', 'no', 'neither', 'none of them', 'none of these'],
}

/**
 * Reads a reply to a question with choices: a value, its label, a unit in other words, `the second one`, `2`, a column
 * name. Null where it fits none, or more than one.
 */
export function readChoice(question: Question, messageText: string): string | null {
  const text = messageText.trim().toLowerCase()
  const exact = question.choices.filter(
    ({ value, label }) => text === value.toLowerCase() || text === label.toLowerCase(),
  )
  if (exact.length === 1) return exact[0]?.value ?? null

  const named = question.choices.filter(({ value }) =>
    [value.toLowerCase(), ...(synonyms[value] ?? [])].some((word) => standsIn(text, word)),
  )
  const longest = withoutContained(named.map(({ value }) => value))
  if (longest.length === 1) return longest[0] ?? null
  if (longest.length > 1) return null

  const place = ordinal(text, question.choices.length)
  if (place !== null) return question.choices[place]?.value ?? null
  // `yes` to "is this column …?": the one column is the first choice, none the other.
  if (/^(yes|yep|yeah|correct|right)\b/.test(text) && question.choices.at(-1)?.value === 'none')
    return question.choices.length === 2 ? (question.choices[0]?.value ?? null) : null
  return null
}

function standsIn(text: string, word: string): boolean {
  const escaped = word.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\p{L}\p{N}_'’])${escaped}(?![\p{L}\p{N}_])`, 'u').test(text)
}

/** `cost total` names the column cost_total and also contains cost: the longer name is meant. */
function withoutContained(values: readonly string[]): readonly string[] {
  return values.filter(
    (value) =>
      !values.some(
        (other) => other !== value && other.toLowerCase().includes(value.toLowerCase()) && value.length > 2,
      ),
  )
}

function ordinal(text: string, count: number): number | null {
  const number = /^(?:option |choice |number |#)?(\d)\.?$/.exec(text)
  if (number !== null) return Number(number[1]) - 1
  for (const [word, place] of Object.entries(ordinals)) if (standsIn(text, word)) return place
  if (/\bformer\b/.test(text)) return 0
  return /\b(last|latter)\b/.test(text) ? count - 1 : null
}
