import type { PlaybookId } from '../playbook.ts'
import { free, type Sentence } from '../questions/sentence.ts'
import { rowNouns } from '../questions/vocabulary.ts'
import { stem, type Token } from '../questions/words.ts'
import { comparing } from './selection.ts'
import { isDate } from './take-windows.ts'

/**
 * What speaks of time, limits the question and was read as no window, or only in part: "between 10 and 20 October",
 * "the first week of October", "on Mondays", "after the launch". Null where nothing does.
 *
 * @param windowed places of the words that were read as windows
 */
export function halfReadWindow(
  sentence: Sentence,
  playbook: PlaybookId,
  windowed: ReadonlySet<number>,
): string | null {
  for (const rule of rules) {
    if (rule.except?.has(playbook) === true) continue
    for (const at of sentence.tokens.keys()) {
      if (free(sentence, at) === undefined || !rule.holds(sentence, at, windowed)) continue
      const said = sentence.tokens
        .slice(Math.max(0, at - 1), at + 3)
        .map(({ text }) => text)
        .join(' ')
      return `I cannot read “… ${said} …”: ${rule.instead}`
    }
  }
  if (comparing.has(playbook)) return otherPeriod(sentence)
  return null
}

interface Rule {
  readonly holds: (sentence: Sentence, at: number, windowed: ReadonlySet<number>) => boolean
  /** What can be said instead. */
  readonly instead: string
  /** Playbooks that look at such times by themselves, or use the words otherwise. */
  readonly except?: ReadonlySet<PlaybookId>
}

const wordAt = ({ tokens }: Sentence, at: number): string => tokens[at]?.word ?? ''

const articles = new Set(['the', 'a', 'an', 'our', 'my', 'your', 'this', 'that', 'these', 'those'])

/** The word before, or the one before its article. */
function before(sentence: Sentence, at: number): string {
  const word = wordAt(sentence, at - 1)
  return articles.has(word) ? wordAt(sentence, at - 2) : word
}

const oneWindow = 'name one window of dates, e.g. “between 2026-10-10 and 2026-10-20”'
const namedDays = 'name the dates, e.g. “from 2026-10-01 to 2026-10-07”, or “last 7 days of the data”'
const wholeDays = 'I limit to whole days, e.g. “on 8 October”, and not to hours of a day'

const units = new Set('half halve minute hour day week weekend fortnight month quarter year'.split(' '))
const isUnit = (word: string): boolean => units.has(stem(word))
const ordinals = new Set(
  'first second third fourth fifth 1st 2nd 3rd 4th 5th last past final latest recent previous'.split(' '),
)
const counting = new Set([
  ...ordinals,
  ...'next other same few several couple two three four five six seven ten'.split(' '),
])

/** What is counted from this word on is a stretch of time. */
function countsUnits(sentence: Sentence, at: number): boolean {
  let next = at + 1
  while (
    counting.has(wordAt(sentence, next)) ||
    wordAt(sentence, next) === 'of' ||
    sentence.tokens[next]?.kind === 'number'
  )
    next += 1
  return isUnit(wordAt(sentence, next)) && free(sentence, next) !== undefined
}

const slashDate =
  /^(?:(\d{1,2})\/(\d{1,2})(?:\/\d{2,4})?|\d{1,2}\.\d{1,2}\.(?:\d{2,4})?|\d{4}\/\d{1,2}(?:\/\d{1,2})?)$/u

function isSlashDate({ word }: Token): boolean {
  const match = slashDate.exec(word)
  // 24/7 is a way to say always.
  return match !== null && word !== '24/7' && Number(match[1] ?? 1) <= 31 && Number(match[2] ?? 1) <= 31
}

/** "2000 requests" is no year. */
function counts({ tokens }: Sentence, at: number): boolean {
  const next = stem(tokens[at + 1]?.word ?? '')
  return tokens[at]?.kind === 'number' && (rowNouns.has(next) || next === 'token')
}

const joints = new Set(['and', 'or', 'to', 'until', 'till', 'through', '&', '-', '–', ','])

const rules: readonly Rule[] = [
  {
    instead: oneWindow,
    holds(sentence, at) {
      const token = sentence.tokens[at]
      if (token === undefined || counts(sentence, at)) return false
      return isSlashDate(token) || (isDate(token) && (token.word !== 'may' || at > 0))
    },
  },
  {
    // "on October 17 and 18", "in October 17-20", "in April and may".
    instead: oneWindow,
    holds(sentence, at, windowed) {
      const token = sentence.tokens[at]
      const after = windowed.has(at - 1) || (windowed.has(at - 2) && joints.has(wordAt(sentence, at - 1)))
      if (token === undefined || !after || counts(sentence, at)) return false
      return (
        token.word === 'may' || /^\d{1,2}(?:st|nd|rd|th)?(?:-\d{1,2}(?:st|nd|rd|th)?)?$/u.test(token.word)
      )
    },
  },
  {
    // "1-15 October".
    instead: oneWindow,
    holds: (sentence, at, windowed) =>
      windowed.has(at + 1) && /^\d{1,2}-\d{1,2}$/u.test(wordAt(sentence, at)),
  },
  {
    instead: 'write dates as “between 2026-10-10 and 2026-10-20”, and numbers as “over 5 s”',
    holds: ({ tokens }, at) =>
      tokens[at]?.word === 'between' &&
      [at + 1, at + 2].some(
        (next) => tokens[next]?.kind === 'number' && stem(tokens[next + 1]?.word ?? '') !== 'month',
      ),
  },
  {
    // "the first week of October", "late in October", "the end of October": more was said than was read.
    instead: oneWindow,
    holds(sentence, at, windowed) {
      if (!windowed.has(at + 1)) return false
      const word = wordAt(sentence, at)
      if (['early', 'late', 'mid', 'middle', 'half', 'rest', 'remainder'].includes(word)) return true
      if (wordAt(sentence, at + 1) !== 'of') return false
      return (
        ['end', 'beginning', 'start', 'part', 'parts'].includes(word) ||
        (isUnit(word) && articles.has(wordAt(sentence, at - 1)) && word !== 'month')
      )
    },
  },
  {
    instead: oneWindow,
    holds: (sentence, at) =>
      /^(?:early|late|mid|pre|post)-/u.test(wordAt(sentence, at)) &&
      isDate({ kind: 'word', text: '', word: wordAt(sentence, at).replace(/^[a-z]+-/u, '') }),
  },
  {
    // "the first 10 days", "the last weeks", "the second half", "last 24h".
    instead: namedDays,
    holds: (sentence, at) =>
      !['per', 'a', 'each'].includes(wordAt(sentence, at - 1)) &&
      ((ordinals.has(wordAt(sentence, at)) && countsUnits(sentence, at)) ||
        (['last', 'past'].includes(wordAt(sentence, at)) &&
          /^\d+(?:h|hrs?|d|w)$/u.test(wordAt(sentence, at + 1)))),
  },
  {
    // "in the few days", "over two weeks".
    instead: namedDays,
    holds: (sentence, at) =>
      counting.has(wordAt(sentence, at)) &&
      ['in', 'over', 'during', 'for', 'within', 'on'].includes(before(sentence, at)) &&
      countsUnits(sentence, at),
    except: new Set(['batch_eligibility']),
  },
  {
    instead: 'name the week by its dates, e.g. “from 2026-10-05 to 2026-10-11”',
    holds: (sentence, at) =>
      (['week', 'kw', 'cw'].includes(wordAt(sentence, at)) && sentence.tokens[at + 1]?.kind === 'number') ||
      /^(?:kw|cw|wk)\d{1,2}$/u.test(wordAt(sentence, at)),
  },
  {
    instead: wholeDays,
    holds: (sentence, at) =>
      /^\d{1,2}:\d{2}(?::\d{2})?(?:am|pm)?$|^\d{1,2}(?:am|pm)$/u.test(wordAt(sentence, at)) ||
      (sentence.tokens[at]?.kind === 'number' &&
        /^(?:am|pm|a\.m|p\.m|o'clock|oclock)$/u.test(wordAt(sentence, at + 1))),
  },
  {
    instead: wholeDays,
    holds: (sentence, at) =>
      (/^(?:mornings?|afternoons?|evenings?|nights?|nighttime|daytime|noon|midnight|lunchtime)$/u.test(
        wordAt(sentence, at),
      ) &&
        wordAt(sentence, at - 1) !== 'over') ||
      (['business', 'office', 'working'].includes(wordAt(sentence, at)) &&
        wordAt(sentence, at + 1) === 'hours'),
    except: new Set(['batch_eligibility']),
  },
  {
    instead: 'I do not limit to days of the week',
    holds: (sentence, at) => weekdays.test(wordAt(sentence, at)) && onDays.has(before(sentence, at)),
    except: new Set(['anomaly_days', 'batch_eligibility']),
  },
  {
    instead: 'name the dates, e.g. “since 2026-10-15”',
    holds: (sentence, at) =>
      wordAt(sentence, at) === 'during' ||
      (wordAt(sentence, at) === 'ago' && at > 0) ||
      (['since', 'after', 'before', 'until'].includes(wordAt(sentence, at)) &&
        ['the', 'our', 'my', 'last', 'that', 'and', 'or'].includes(free(sentence, at + 1)?.word ?? '') &&
        !['first', 'next', 'answer', 'answers', 'response'].includes(wordAt(sentence, at + 2))),
    except: new Set(['anomaly_days', 'batch_eligibility']),
  },
  {
    instead: 'name the dates, e.g. “on 2026-10-15”',
    holds: (sentence, at) =>
      ['on', 'in'].includes(wordAt(sentence, at)) &&
      ['that', 'those', 'same'].includes(wordAt(sentence, at + 1)) &&
      isUnit(wordAt(sentence, at + 2)),
    except: new Set(['anomaly_days']),
  },
]

const weekdays = /^(?:weekends?|weekdays?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)$/u
const onDays = new Set(
  'on at during over only just last this next for since from until till before after of between in every excluding'.split(
    ' ',
  ),
)

/** "week over week", "than the quarter before", "yoy": periods that are compared are months. */
function otherPeriod({ tokens }: Sentence): string | null {
  const words = tokens.map(({ word }) => word)
  const at = words.findIndex(
    (word, index) =>
      ['yoy', 'qoq'].includes(word) ||
      (['day', 'week', 'quarter', 'year'].includes(word) &&
        ((['over', 'on', 'to', 'by', 'vs'].includes(words[index + 1] ?? '') && words[index + 2] === word) ||
          ['before', 'earlier', 'ago'].includes(words[index + 1] ?? ''))),
  )
  return at === -1
    ? null
    : `I compare months, and “${words.slice(at, at + 3).join(' ')}” speaks of others; name two windows of dates`
}
