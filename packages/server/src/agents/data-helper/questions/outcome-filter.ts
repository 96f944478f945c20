import type { Filter, Outcome, OutcomeRule } from './reading.ts'
import { free, isOneOf, isStop, plainTerm, refuse, type Sentence, type Stop, take } from './sentence.ts'
import type { KnownTerm } from './terms.ts'
import { outcomes, statusWords } from './vocabulary.ts'

type ValueFilter = Filter & { kind: 'in' }

/** Takes "failed", "successful" and their like as a condition on the status, with its place. */
export function takeOutcome(
  sentence: Sentence,
): { readonly filter: Filter; readonly at: number } | Stop | null {
  for (const outcome of ['failed', 'succeeded'] as const) {
    const at = sentence.tokens.findIndex((_, index) => isOneOf(free(sentence, index), outcomes[outcome]))
    // "error rate" is an aggregate, not a condition.
    if (at === -1 || sentence.tokens[at + 1]?.word === 'rate') continue
    const found = outcomeAt(sentence, at)
    if (found === null || isStop(found)) return found
    const [filter] = found
    return { filter, at }
  }
  return null
}

/** The same at one place. */
export function outcomeAt(
  sentence: Sentence,
  at: number,
): readonly [Filter & { kind: 'outcome' }] | Stop | null {
  const said = (['failed', 'succeeded'] as const).find((each) => isOneOf(free(sentence, at), outcomes[each]))
  if (said === undefined) return null
  const filter = outcomeFilter(sentence, said)
  if (isStop(filter)) return filter
  take(sentence, at)
  return [filter]
}

/** "failed with 429": the code says already that it failed. */
export function withoutImplied(filters: readonly Filter[]): readonly Filter[] {
  return filters.filter(
    (filter) =>
      filter.kind !== 'outcome' ||
      !filters.some(
        (other): other is ValueFilter =>
          other.kind === 'in' &&
          !other.negated &&
          other.term.label === filter.term.label &&
          other.values.every((value) => meets(value, filter)),
      ),
  )
}

export function outcomeFilter(sentence: Sentence, outcome: Outcome): (Filter & { kind: 'outcome' }) | Stop {
  const candidates = sentence.terms.filter((term) => term.field === 'status')
  const named =
    candidates.length > 0 ? candidates : sentence.terms.filter((term) => term.names.some(isStatusName))
  const [term, second] = named
  if (term === undefined)
    return refuse(`nothing in ${sentence.profile.fileName} tells which rows ${outcome}: no status column`)
  if (second !== undefined)
    return refuse(
      `several columns could tell which rows ${outcome}: ${named.map((each) => each.label).join(', ')}; name one, e.g. “where ${term.label} is …”`,
    )
  const rule = exportRule(sentence) ?? outcomeRule(term)
  if (rule === null)
    return refuse(
      `I cannot tell which values of ${term.label} mean ${outcome}; name them, e.g. “where ${term.label} is ${term.values[0] ?? '…'}”`,
    )
  return { kind: 'outcome', term: plainTerm(term), outcome, by: rule }
}

function isStatusName(name: readonly string[]): boolean {
  return ['status', 'status code', 'http status', 'response status', 'response code'].includes(name.join(' '))
}

function outcomeRule(term: KnownTerm): OutcomeRule | null {
  const codes =
    term.kind === 'number' &&
    term.integers &&
    term.values.every((value) => /^[1-5]\d\d(?:\.0)?$/u.test(value))
  if (codes && term.values.length > 0) return { kind: 'http' }
  if (!term.complete || term.values.length === 0 || term.kind !== 'text') return null
  const words = term.values.map((value) => value.toLowerCase())
  const failed = words.filter((word) => statusWords.failed.has(word))
  const succeeded = words.filter((word) => statusWords.succeeded.has(word))
  return failed.length + succeeded.length === words.length ? { kind: 'words', failed, succeeded } : null
}

/** A recognised export says itself which rows succeeded; of a table of the user's own that is not taken on trust. */
function exportRule({ mapping }: Sentence): OutcomeRule | null {
  if (mapping === undefined || mapping.format === null || mapping.ok === null) return null
  return { kind: 'condition', succeeded: mapping.ok }
}

function meets(value: string, filter: Filter & { kind: 'outcome' }): boolean {
  if (filter.by.kind === 'condition') return false
  const failed =
    filter.by.kind === 'http' ? Number(value) >= 400 : filter.by.failed.includes(value.toLowerCase())
  return failed === (filter.outcome === 'failed')
}
