import type { Question } from '@holdfast/protocol'
import { additivity } from './concepts.ts'
import type { DecidedFigure, Parts } from './decide.ts'
import type { PlacedFilter } from './filters.ts'
import { withoutImplied } from './outcome-filter.ts'
import { describeFilter, type Filter, groupLabel } from './reading.ts'
import { refuse, type Sentence, type Stop } from './sentence.ts'
import type { KnownTerm } from './terms.ts'
import { aggregateWords, outcomes, rowNouns } from './vocabulary.ts'
import { stem } from './words.ts'

/**
 * A share has a whole and a part, and it is the sentence that says which condition belongs to which:
 *
 *     what share of failed requests is from globex by month
 *                   └─ whole ─────┘ └─ part ─────┘ └ for each
 *
 * The part stands behind a verb ("is from globex", "failed") or is who the share belongs to ("globex's share of"). A
 * condition of which neither is true limits the whole, or the user is asked.
 */
export function shareOf(sentence: Sentence, parts: Parts, measure: KnownTerm | null): DecidedFigure | Stop {
  const { grouping, noun, placed } = parts
  const outcome = placed.some(({ filter }) => filter.kind === 'outcome')
  if (measure === null && noun === null && !outcome)
    return refuse('it does not say of what the share is taken: of rows, or of a column')
  if (measure !== null && !addsUp(measure))
    return refuse(`${measure.label} does not add up to a whole that could be shared`)
  const timely = grouping.groups.some((group) => group.kind !== 'term')
  const roles = rolesOf(sentence, placed, timely)
  const of = withoutImplied(roles.part.map(({ filter }) => filter))
  const whole = [...roles.whole, ...roles.open].map(({ filter }) => filter)
  const [part, second] = of
  if (second !== undefined)
    return refuse(`it names two parts of one whole: ${of.map(describeFilter).join(' and ')}; name one`)
  if (part !== undefined) return rateOf(part, whole, parts, measure)
  const open = roles.open.map(({ filter }) => filter)
  if (grouping.groups.length === 0) return partOfAll(sentence, parts, measure, open)
  if (open.some((filter) => filter.kind === 'outcome'))
    return refuse(
      'it can mean the failure rate of each group or how failures spread over groups; ask “failure rate by …” or “number of failed requests by …”',
    )
  return open.length === 0 ? spread(whole, measure) : chosenOf(sentence, parts, measure, open)
}

function addsUp({ kind, label, unit }: KnownTerm): boolean {
  return kind === 'number' && additivity(label, unit) !== 'does_not_add'
}

/** How the whole spreads over the groups. */
function spread(filters: readonly Filter[], measure: KnownTerm | null): DecidedFigure {
  return { aggregate: { kind: 'share' }, measure, filters, assumed: [] }
}

/** The part of each group, or of all rows. */
function rateOf(
  part: Filter,
  filters: readonly Filter[],
  { grouping }: Parts,
  measure: KnownTerm | null,
): DecidedFigure | Stop {
  const same = grouping.groups.some((group) => group.kind === 'term' && group.term.label === part.term.label)
  if (same)
    return refuse(
      `of each ${part.term.label}, all or nothing is the part where ${describeFilter(part)}; ask for one without the other`,
    )
  return { aggregate: { kind: 'rate', of: part }, measure, filters, assumed: [] }
}

/** "percentage of failed requests": a single condition is the part; of several the user says which. */
function partOfAll(
  sentence: Sentence,
  parts: Parts,
  measure: KnownTerm | null,
  open: readonly Filter[],
): DecidedFigure | Stop {
  const all = parts.placed.map(({ filter }) => filter)
  // Of "failed requests with 429", failing is no part of what has that code.
  const candidates = withoutImplied(open.length === 0 ? all : open)
  const [only, second] = candidates
  if (only === undefined) return refuse('it does not say which part of the whole is meant')
  return second === undefined
    ? rateOf(only, without(all, only), parts, measure)
    : chosenOf(sentence, parts, measure, candidates)
}

function without(filters: readonly Filter[], part: Filter): readonly Filter[] {
  return filters.filter((filter) => filter !== part)
}

/** What the user has chosen of the readings that are left, or the question. */
function chosenOf(
  sentence: Sentence,
  parts: Parts,
  measure: KnownTerm | null,
  candidates: readonly Filter[],
): DecidedFigure | Stop {
  const all = parts.placed.map(({ filter }) => filter)
  const question = shareQuestion(parts, measure, candidates)
  const chosen = sentence.choices.get(question.id)
  if (chosen === 'spread' && parts.grouping.groups.length > 0) return spread(all, measure)
  const part = candidates.find((filter) => describeFilter(filter) === chosen)
  return part === undefined
    ? { stop: 'ambiguous', question }
    : rateOf(part, without(all, part), parts, measure)
}

function shareQuestion(
  { grouping, placed }: Parts,
  measure: KnownTerm | null,
  candidates: readonly Filter[],
): Question {
  const what = measure?.label ?? 'rows'
  const groups = grouping.groups.map(groupLabel).join(' and ')
  const all = placed.map(({ filter }) => filter)
  const said = (filters: readonly Filter[]): string => filters.map(describeFilter).join(' and ')
  const readings = candidates.map((part) => {
    const others = without(all, part)
    const whole = others.length === 0 ? '' : `, of those where ${said(others)}`
    const each = groups === '' ? '' : `for each ${groups}, `
    return { value: describeFilter(part), label: `${each}the share of ${what} where ${said([part])}${whole}` }
  })
  const over = { value: 'spread', label: `how the ${what} where ${said(all)} spread over each ${groups}` }
  return {
    id: `share:${said(all)}${groups === '' ? '' : ` by ${groups}`}`,
    text: `A share of ${what} with “${said(all)}” can be read in more than one way. Which do you mean?`,
    choices: groups === '' ? readings : [...readings, over],
  }
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Verbs behind which the part stands. */
const verbs = set('is are was were do does did has have had come comes came go goes went use uses')

/** Verbs that are a condition themselves, or begin one: "cost more than 1 cent". */
const conditionVerbs = set(
  'took take takes taking cost costs exceed exceeds contain contains failed fail fails errored succeeded succeed succeeds',
)

/** Words between the verb and the part. */
const between = set('from by for of to with on at in the a an our only all')

/** Words before which no verb has its subject. */
const prepositions = set('of with where whose when by for from in on at and or the a an our over')

/** "requests that are from acme": what follows limits what stands before. */
const relatives = set('that which who whose where when')

/** Words that begin the groups. */
const markers = set('by per each every across')

interface Roles {
  readonly part: readonly PlacedFilter[]
  readonly whole: readonly PlacedFilter[]
  /** Of which the sentence does not say what it belongs to. */
  readonly open: readonly PlacedFilter[]
}

function rolesOf(sentence: Sentence, placed: readonly PlacedFilter[], timely: boolean): Roles {
  const word = (at: number): string => sentence.tokens[at]?.word ?? ''
  const share = sentence.tokens.findIndex((token) => aggregateWords.get(token.word) === 'share')
  const marker = sentence.tokens.findIndex((token, at) => at > share && markers.has(token.word))
  const roles: Record<keyof Roles, PlacedFilter[]> = { part: [], whole: [], open: [] }
  let last: keyof Roles = 'open'
  for (const each of placed.toSorted((one, other) => one.at - other.at)) {
    const joined = ['and', 'or'].includes(word(each.at - 1)) && last !== 'open'
    if (!joined) last = roleOf(each)
    roles[last].push(each)
  }
  return roles

  function roleOf(each: PlacedFilter): keyof Roles {
    if (isPart(sentence, each, share)) return 'part'
    // Behind the groups, or before it all ("for acme, the share of …"), it is said of everything.
    const aside = (marker !== -1 && each.at > marker) || each.end <= share
    // "share of cost by month for acme" is as often acme's share in each month.
    return aside && !timely ? 'whole' : 'open'
  }
}

function isPart({ tokens }: Sentence, { filter, at, end }: PlacedFilter, share: number): boolean {
  const word = (index: number): string => tokens[index]?.word ?? ''
  // "acme's share of the cost"
  if (at < share) return end === share && !prepositions.has(word(at - 1))
  const verb = verbBefore()
  if (verb === null) return false
  let first = verb
  while (verbs.has(word(first - 1))) first -= 1
  return !relatives.has(word(first - 1))

  function verbBefore(): number | null {
    if (verbs.has(word(at))) return at
    const attributive = filter.kind === 'outcome' && rowNouns.has(stem(word(end)))
    const saysVerb = conditionVerbs.has(word(at)) && !attributive
    if (saysVerb) return prepositions.has(word(at - 1)) ? null : at
    let before = at - 1
    while (before > share && between.has(word(before))) before -= 1
    if (verbs.has(word(before))) return before
    // "failed with 429"
    const failing = outcomes.failed.has(word(before)) && conditionVerbs.has(word(before))
    return failing && word(at - 1) === 'with' && word(before - 1) !== 'of' ? before : null
  }
}
