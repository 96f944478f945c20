import type { Question } from '@holdfast/protocol'

const ordinals: Readonly<Record<string, number>> = {
  first: 0,
  '1st': 0,
  former: 0,
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

/** What a reply may say around the choice. Any other word may ask for something else. */
const replyWords = new Set(
  `it it's its is can could may might would will was are they they're these those this that that's the a an in as with to be should must
use take pick choose read go i i'd i'm we we'd say think mean believe guess please thanks thank you yes no oh ok okay
sorry sure definitely actually certainly probably always all both one column columns field unit units value values
number numbers time times format order comes come given written measured stored counted in of course and so here well
right correct first option choice`.split(/\s+/u),
)

/** Begins a question of its own. */
const asking = /^(?:which|what|when|where|who|whose|why|how|is|are|do|does|did|can|could)\b|\?/u

/**
 * Reads a reply to a question with choices: a value, its label, a unit in other words, `the second one`, `2`, a column
 * name. Null where it fits none, or more than one, or where it says more than a reply would: "average cost over the last
 * 7 days" is no way to say "the last one".
 *
 * @param isQuestion whether a text asks for something by itself
 */
export function readChoice(
  question: Question,
  messageText: string,
  isQuestion: (text: string) => boolean,
): string | null {
  const text = messageText.trim().toLowerCase()
  const exact = exactChoice(question, text)
  if (exact !== null) return exact
  if (asking.test(text)) return null

  const whole = chosenBy(question, text)
  if (whole !== null) return whole
  // "cost_total, since it includes tax": the reply, and a word about it that asks for nothing.
  const [reply = '', ...rest] = text.split(/[,;:!\n]|\.(?=\s|$)/u)
  return rest.length === 0 || isQuestion(rest.join(', ')) ? null : chosenBy(question, reply.trim())
}

/** A choice's value or label, as a page sends it. */
export function exactChoice(question: Question, messageText: string): string | null {
  const text = messageText.trim().toLowerCase()
  const exact = question.choices.filter(
    ({ value, label }) => text === value.toLowerCase() || text === label.toLowerCase(),
  )
  return exact.length === 1 ? (exact[0]?.value ?? null) : null
}

function chosenBy(question: Question, text: string): string | null {
  const named = question.choices.flatMap(({ value, label }) => {
    const word = [value.toLowerCase(), leadOf(label), ...(synonyms[value] ?? [])]
      .toSorted((left, right) => right.length - left.length)
      .find((each) => standsIn(text, each))
    return word === undefined ? [] : [{ value, word }]
  })
  const longest = withoutContained(named.map(({ value }) => value))
  const [only] = longest
  const word = named.find(({ value }) => value === only)?.word
  if (only !== undefined && longest.length === 1 && word !== undefined)
    return saysNoMore(question, text, word) ? only : null
  if (longest.length > 1) return null

  const place = ordinal(text, question.choices.length)
  if (place !== null) return question.choices[place]?.value ?? null
  // `yes` to "is this column …?": the one column is the first choice, none the other.
  const yes = /^(?:yes|yep|yeah|correct|right)\b/u.exec(text)?.[0]
  const [one, none, ...others] = question.choices
  const confirms = yes !== undefined && none?.value === 'none' && others.length === 0
  return confirms && saysNoMore(question, text, yes) ? (one?.value ?? null) : null
}

/** A label without what it says in brackets: an example, what would follow. */
function leadOf(label: string): string {
  return (label.split(' (')[0] ?? label).toLowerCase()
}

/** Beside the choice there are only words that a reply is made of, or words of what was asked and of the choices. */
function saysNoMore(question: Question, text: string, word: string): boolean {
  const words = (of: string) =>
    of
      .toLowerCase()
      .split(/[^\p{L}\p{N}_'’]+/u)
      .filter((each) => each !== '')
  const asked = new Set([
    ...words(question.text).filter((each) => each.length > 3),
    ...question.choices.flatMap(({ label }) => words(leadOf(label))),
  ])
  return words(text.replace(wordPattern(word), ' ')).every(
    (each) => replyWords.has(each.replace('’', "'")) || asked.has(each),
  )
}

function wordPattern(word: string): RegExp {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\p{L}\p{N}_'’])${escaped}(?![\p{L}\p{N}_])`, 'u')
}

function standsIn(text: string, word: string): boolean {
  return wordPattern(word).test(text)
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

/** Only where it is all that is said: "last" and "second" stand in many sentences. */
function ordinal(text: string, count: number): number | null {
  const number = /^(?:option |choice |number |#)?(\d)\.?$/.exec(text)
  if (number !== null) return Number(number[1]) - 1
  const said =
    /^(?:(?:i mean|use|take|it's|it is) )?(?:the )?(first|second|third|fourth|1st|2nd|3rd|4th|former|last|latter)(?: (?:one|option|choice|of them|of the two))?(?:,? please)?[.!]*$/u.exec(
      text,
    )?.[1]
  if (said === undefined) return null
  return ordinals[said] ?? count - 1
}
