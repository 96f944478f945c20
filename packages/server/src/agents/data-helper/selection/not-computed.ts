import type { PlaybookId } from '../playbook.ts'
import { looksAhead } from '../questions/looks-ahead.ts'
import { timeGrains } from '../questions/reading.ts'
import { mentionAt, type Sentence } from '../questions/sentence.ts'
import { matchFields } from '../questions/terms.ts'
import { rowNouns } from '../questions/vocabulary.ts'
import { stem } from '../questions/words.ts'

/** Playbooks that are about what could be: what a change would save, what a load would need. */
const supposing: ReadonlySet<PlaybookId> = new Set([
  'down_shift',
  'prompt_caching',
  'batch_eligibility',
  'capacity',
])

/**
 * Something that a playbook does not compute, though its words are those of the playbook: its answer would be to another
 * question. Null where there is nothing of the kind.
 */
export function notComputed(sentence: Sentence, playbook: PlaybookId): string | null {
  return (
    (supposing.has(playbook) ? null : looksAhead(sentence.tokens)) ??
    perUnknown(sentence) ??
    vagueRows(sentence) ??
    ratio(sentence)
  )
}

const grains = new Set<string>([...timeGrains, 'second', 'quarter', 'year', 'min', 'sec'])
const idioms = new Set(['cent', 'se', 'capita'])
const articles = new Set(['the', 'a', 'an', 'each', 'every', 'our', 'single', 'one'])

/** "cost per user" of a file without users, "cost per token": nothing is divided so. */
function perUnknown(sentence: Sentence): string | null {
  const { tokens, mapping, profile } = sentence
  for (const [at, { word }] of tokens.entries()) {
    if (word !== 'per') continue
    let noun = at + 1
    while (articles.has(tokens[noun]?.word ?? '')) noun += 1
    const token = tokens[noun]
    if (token === undefined) continue
    const root = stem(token.word)
    if (grains.has(root) || rowNouns.has(root) || idioms.has(token.word)) continue
    const free = { ...sentence, taken: new Set<number>() }
    const named = mentionAt(free, noun, ({ kind }) => kind !== 'number')?.matches[0]?.score ?? 0
    if (named >= 0.7) continue
    const fields = matchFields([token.text])
    if (fields.some((field) => field !== 'total_tokens' && mapping?.fields[field] !== undefined)) continue
    const measured =
      token.kind === 'number' || root === 'token' || /tokens?$/u.test(tokens[noun + 1]?.word ?? '')
    if (measured)
      return `I compute nothing per ${token.text}; figures are per request, per time or by a column`
    if (fields.length > 0) return `${profile.fileName} has no column for “${token.text}”`
  }
  return null
}

const measures = new Set('cost spend price bill latency delay time duration share count number'.split(' '))
const vague = new Set(
  'big large huge long small short tiny slow fast quick expensive costly pricey dear cheap heavy light simple complex'.split(
    ' ',
  ),
)
const rowsOrTexts = new Set([...rowNouns, 'prompt', 'answer', 'reply', 'response', 'completion', 'message'])

/** "cost of long prompts": which are long is for whoever asks to say. */
function vagueRows({ tokens }: Sentence): string | null {
  for (const [at, { word, text }] of tokens.entries()) {
    const noun = tokens[at + 1]
    if (!vague.has(word) || noun === undefined || !rowsOrTexts.has(stem(noun.word))) continue
    const before = articles.has(tokens[at - 1]?.word ?? '') ? at - 2 : at - 1
    if (
      !['of', 'for'].includes(tokens[before]?.word ?? '') ||
      !measures.has(stem(tokens[before - 1]?.word ?? ''))
    )
      continue
    return `I cannot tell which are “${text} ${noun.text}”; say from where on, e.g. “over 5 seconds” or “more than 1000 prompt tokens”`
  }
  return null
}

/** "ratio of completion to prompt tokens", and not "cache hit ratio". */
function ratio({ tokens }: Sentence): string | null {
  const at = tokens.findIndex(({ word }) => word === 'ratio')
  return at === -1 ||
    tokens[at + 1]?.word !== 'of' ||
    tokens.some(({ word }) => /^(?:cach|hit|reus)/u.test(word))
    ? null
    : 'I do not divide one column by another; ask for the total of each'
}
