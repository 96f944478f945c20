import type { Aggregate, Comparison, Outcome } from './reading.ts'

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Words that may be passed over without changing what is asked. Anything else has to be understood. */
export const fillers = set(
  `a an the is are was were be been do does did have has had having we our us i my me you your it its this that these
those there of in on at to for from with and please show give list tell get find compute calculate display plot chart
graph draw what who how much many all data dataset file table csv export value see want would can could like
any figure come comes came go goes went make made use used using need know me only where when whose so far
broken split grouped group ranked rank sorted sort ordered order`.replaceAll('\n', ' '),
)

/** What a row is called. */
export const rowNouns = set('request row record call entry line event item span generation observation query')

/** Row nouns that mean one call of a model: on bucketed exports they are summed from a column, not counted. */
export const callNouns = set('request call generation')

export const introducers = set('for with where whose when in of from by on only having and')

export const outcomes: Readonly<Record<Outcome, ReadonlySet<string>>> = {
  failed: set('failed failing fail failure failures error errors errored unsuccessful'),
  succeeded: set('succeeded succeed succeeds successful successfully success'),
}

/** Words a status uses, by what they mean. A status with any other word is not guessed at. */
export const statusWords: Readonly<Record<Outcome, ReadonlySet<string>>> = {
  failed: set(
    'error failed failure fail timeout timed_out exception errored unsuccessful rejected rate_limited',
  ),
  succeeded: set('success succeeded ok successful completed complete done passed'),
}

/** Aggregates that one word names. */
export type NamedAggregate = Exclude<Aggregate['kind'], 'quantile' | 'rate' | 'of_totals'>

export const aggregateWords: ReadonlyMap<string, NamedAggregate> = new Map([
  ['total', 'sum'],
  ['sum', 'sum'],
  ['average', 'mean'],
  ['avg', 'mean'],
  ['mean', 'mean'],
  ['median', 'median'],
  ['min', 'min'],
  ['minimum', 'min'],
  ['lowest', 'min'],
  ['smallest', 'min'],
  ['max', 'max'],
  ['maximum', 'max'],
  ['highest', 'max'],
  ['largest', 'max'],
  ['biggest', 'max'],
  ['longest', 'max'],
  ['greatest', 'max'],
  ['count', 'count'],
  ['distinct', 'distinct'],
  ['unique', 'distinct'],
  ['different', 'distinct'],
  ['share', 'share'],
  ['percentage', 'share'],
  ['percent', 'share'],
  ['proportion', 'share'],
  ['fraction', 'share'],
])

/** Words that rank, and the end of the list they ask for. */
export const directions: Readonly<Record<string, 'largest' | 'smallest'>> = {
  most: 'largest',
  highest: 'largest',
  largest: 'largest',
  biggest: 'largest',
  greatest: 'largest',
  longest: 'largest',
  least: 'smallest',
  fewest: 'smallest',
  lowest: 'smallest',
  smallest: 'smallest',
  shortest: 'smallest',
}

/** Phrases of comparison, longest first. */
export const comparisons: readonly (readonly [string, Comparison])[] = [
  ['greater than or equal to', '>='],
  ['less than or equal to', '<='],
  ['no less than', '>='],
  ['no more than', '<='],
  ['greater than', '>'],
  ['more than', '>'],
  ['higher than', '>'],
  ['larger than', '>'],
  ['longer than', '>'],
  ['less than', '<'],
  ['fewer than', '<'],
  ['lower than', '<'],
  ['smaller than', '<'],
  ['shorter than', '<'],
  ['at least', '>='],
  ['at most', '<='],
  ['up to', '<='],
  ['exceeding', '>'],
  ['exceeds', '>'],
  ['exceed', '>'],
  ['over', '>'],
  ['above', '>'],
  ['under', '<'],
  ['below', '<'],
  ['>=', '>='],
  ['≥', '>='],
  ['<=', '<='],
  ['≤', '<='],
  ['>', '>'],
  ['<', '<'],
]

export const equalities: readonly (readonly [string, 'is' | 'is not'])[] = [
  ['is not equal to', 'is not'],
  ['not equal to', 'is not'],
  ['is not', 'is not'],
  ['are not', 'is not'],
  ['!=', 'is not'],
  ['≠', 'is not'],
  ['<>', 'is not'],
  ['is equal to', 'is'],
  ['equal to', 'is'],
  ['equals', 'is'],
  ['is in', 'is'],
  ['in', 'is'],
  ['is', 'is'],
  ['are', 'is'],
  ['was', 'is'],
  ['==', 'is'],
  ['=', 'is'],
]

export const missingWords = set('missing empty blank null')

/** Why a word cannot be passed over, for words people use that change the meaning. */
export const notUnderstood: ReadonlyMap<string, string> = new Map(
  (
    [
      ['excluding except without not no but other than minus', 'I do not leave rows out by this word'],
      [
        'compared compare versus vs difference growth change increase decrease',
        'I do not compare two figures',
      ],
      ['forecast predict projected expected estimate next', 'I do not look ahead'],
      ['why because cause reason explain', 'a simple question names a figure, not a cause'],
      ['correlation correlated relation depend', 'I do not relate two columns here'],
      ['if should would better best worst', 'a simple question names a figure, not a choice'],
      ['cumulative running moving rolling', 'I do not add up over a moving window'],
      ['or', 'I combine conditions with “and”, and values of one column with “or”'],
    ] as const
  ).flatMap(([words, why]) => words.split(' ').map((word) => [word, why] as const)),
)
