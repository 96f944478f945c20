import type { PlaybookId } from './playbook.ts'
import { moneyWords } from './triage-words/money-words.ts'
import { serviceWords } from './triage-words/service-words.ts'
import { tableWords } from './triage-words/table-words.ts'

/**
 * Words and what they speak for. A `*` ends a stem ("expens*"), several words are a phrase. A weight of 3 alone makes
 * a candidate that is taken; 1 only helps others. Weights are by hand: they were set against the wordings in
 * triage.test.ts and tools/eval, which people who do not know our terms would use.
 */
export const vocabulary: Readonly<Record<PlaybookId, readonly (readonly [string, number])[]>> = {
  ...moneyWords,
  ...serviceWords,
  ...tableWords,
}

/** Words of a question that looks for causes or a whole picture rather than one figure. */
export const openWords: ReadonlySet<string> = new Set(
  'why where explain breakdown break drive drives driving driver drivers cause causes causing should reason reasons improve'.split(
    ' ',
  ),
)

/** What no playbook computes: a question with one of these is at best near to a playbook. */
export const beyond: ReadonlySet<string> = new Set(
  'forecast predict prediction projected tomorrow simulate translate email'.split(' '),
)

/** Things that are asked for with the same words but have nothing to do with data. */
export const elsewhere: ReadonlySet<string> = new Set(
  'poem poems song joke jokes story essay recipe weather lyrics novel limerick translate translation'.split(
    ' ',
  ),
)

/** Names of models that are verse as well: they are models unless one is to be written. */
export const verse: ReadonlySet<string> = new Set(['haiku', 'sonnet', 'opus'])
export const writing: ReadonlySet<string> = new Set('write compose recite sing invent'.split(' '))

/** Words that say nothing about the subject; left out when two wordings are compared. */
export const plainWords: ReadonlySet<string> = new Set(
  'a an the who is are was were be do does did we our us i my me you it its this that of in on at to for from with and or what which how much many please show give tell can could would'.split(
    ' ',
  ),
)

/**
 * Playbooks that look at one side of what another looks at as a whole: asked for its side, the whole steps back.
 */
export const narrower: Readonly<Partial<Record<PlaybookId, readonly PlaybookId[]>>> = {
  cost_breakdown: [
    'month_over_month',
    'down_shift',
    'prompt_caching',
    'errors_retries',
    'lengths_truncation',
    'chargeback',
    'batch_eligibility',
    'anomaly_days',
  ],
  capacity: ['errors_retries', 'lengths_truncation', 'batch_eligibility', 'anomaly_days'],
  latency_tail: ['lengths_truncation', 'batch_eligibility'],
}

/** Everyday words that are a letter away from one with a meaning here. */
const everyday =
  'wants wanted waste wasted speech spent those where there these other after should would could'

const phrases = Object.values(vocabulary).flatMap((entries) => entries.flatMap(([entry]) => entry.split(' ')))
const spelt = new Set([...everyday.split(' '), ...phrases.filter((word) => !word.endsWith('*'))])
const stems = phrases.filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1))

/** A word that is right as it stands, so that it is no slip for another one: `spend` is not `speed`. */
export function isSpelt(word: string): boolean {
  return spelt.has(word) || stems.some((start) => start.length > 3 && word.startsWith(start))
}
