import type { Question } from '@holdfast/protocol'
import type { FileProfile } from '../../workspace/file-profile.ts'
import type { Choices, FileMapping } from './field-mapping.ts'
import type { Playbook, PlaybookId } from './playbook.ts'
import type { KeyFacts, KeyPair } from './questions/join-keys.ts'
import { noChoices, type ParsedQuestion, parseSimpleQuestion, type TableInfo } from './questions/parse.ts'
import { readQuestion, rowsOfAnother } from './questions/read-question.ts'
import type { SimpleReading } from './questions/reading.ts'
import { knownTerms, matchTerms } from './questions/terms.ts'
import { maxQuestionTokens, nearlySame, stem, type Token, tokenise } from './questions/words.ts'
import {
  beyond,
  elsewhere,
  isSpelt,
  narrower,
  openWords,
  plainWords,
  verse,
  vocabulary,
  writing,
} from './triage-vocabulary.ts'

export type TriagePlaybook = Pick<Playbook, 'id' | 'title' | 'asks'>

export interface TriageContext {
  readonly playbooks: readonly TriagePlaybook[]
  /** Empty where no file is at hand. */
  readonly profiles: readonly FileProfile[]
  readonly mappings?: readonly FileMapping[] | undefined
  /** The names SQL uses for the raw tables, by file id; `data` for a file that has none here. */
  readonly tableNames?: ReadonlyMap<string, string> | undefined
  readonly choices?: Choices | undefined
  /** Of columns that may join two files; see triage-joined.ts. */
  readonly keyFacts?: readonly KeyFacts[] | undefined
}

export interface Candidate {
  readonly playbook: PlaybookId
  /** 0…1 */
  readonly score: number
  readonly why: string
}

export interface Triage {
  /** Best first; those within levelGap of the first are level with it. */
  readonly candidates: readonly Candidate[]
  /** The whole question as one figure over one file; null where it is not that. */
  readonly simple: SimpleReading | null
  /** Of a simple question with two level readings: what the user has to choose first. */
  readonly question: Question | null
  /** Why the question is not a simple one, and what could be asked instead; null where it is, or no file is at hand. */
  readonly notSimple: { readonly why: string; readonly nearest: readonly string[] } | null
  /** It asks what the table holds as a whole. Where this is false and `simple` is null, any_table cannot answer it. */
  readonly overview: boolean
  /** Keys to be counted before it is clear whether two files together answer the question. */
  readonly unmeasured: readonly KeyPair[]
  /** Nothing in the question points to data. */
  readonly unrelated: boolean
}

/** Candidates closer than this are level: the user is asked which is meant (verdict rule). */
export const levelGap = 0.1

/** A candidate below this is noise. */
const leastScore = 0.25

/** A simple question that names groups, conditions or a window wants exactly that figure. */
const scopedScore = 0.95

/** One figure over all rows: the playbook's fuller answer may still be meant. */
const plainScore = 0.85

/** A percentile over everything is what the latency playbook answers better, failures apart. */
const playbookBetterScore = 0.5

/** What one clear word for the whole table gives ("describe", "columns", "duplicates"). */
const overviewScore = 0.45

const figureWords = new Set(
  'average avg mean median total sum max maximum min minimum ratio p50 p95 p99 by per'.split(' '),
)

/** Which playbooks a question can be for. Pure: the same words, files and choices always give the same. */
export function triage(question: string, context: TriageContext): Triage {
  const tokens = tokenise(question).slice(0, maxQuestionTokens)
  const tables = tablesOf(context)
  const { parsed, unmeasured, refused } = readQuestion(question, tables, context.keyFacts ?? [], (text) =>
    parseAny(text, tables, context.choices ?? noChoices),
  )
  const scores = withoutTheWhole(
    context.playbooks.map((playbook) => vocabularyScore(tokens, playbook)),
    namedByTitle(tokens, context.playbooks),
  )
  const speaksOf = (set: ReadonlySet<string>) => tokens.some((token) => set.has(token.word))
  const creative = speaksOf(elsewhere) || (speaksOf(verse) && speaksOf(writing))
  const simple = parsed?.ok === true ? parsed.reading : null
  const asked = parsed?.ok === false ? parsed.question : null
  // A figure over two files that cannot be given is not given for one of them, or as something else.
  const pending = asked !== null || unmeasured.length > 0 || refused
  const simpleScore = simple === null ? (pending ? scopedScore : 0) : scoreOf(simple)
  const named = simple === null && !pending && namesColumn(tokens, context)
  const candidates = scores
    .map((candidate): Candidate => {
      if (candidate.playbook !== 'any_table') {
        // A closed question that parses in full is answered as asked; the playbook stays in sight.
        return simpleScore >= plainScore ? { ...candidate, score: candidate.score * 0.6 } : candidate
      }
      if (simpleScore > candidate.score)
        return {
          playbook: 'any_table',
          score: simpleScore,
          why: 'it names a figure and columns that are in the file',
        }
      if (named && candidate.score < 0.45)
        return { playbook: 'any_table', score: 0.45, why: 'it names columns of the file' }
      return candidate
    })
    .filter((candidate) => !creative && candidate.score >= leastScore)
    .sort((one, other) => other.score - one.score)
    .map((candidate) => ({ ...candidate, score: Math.round(candidate.score * 100) / 100 }))
  return {
    candidates,
    simple: creative ? null : simple,
    question: creative ? null : asked,
    overview: !creative && simple === null && !pending && asksForOverview(tokens, scores),
    notSimple: parsed?.ok === false ? { why: parsed.why, nearest: parsed.nearest } : null,
    unmeasured: creative ? [] : unmeasured,
    unrelated: candidates.length === 0,
  }
}

function namedByTitle(tokens: readonly Token[], known: readonly TriagePlaybook[]): ReadonlySet<PlaybookId> {
  const words = tokens.map(({ word }) => word)
  return new Set(
    known
      .filter(({ id, title }) => id !== 'any_table' && says(words, title.toLowerCase().split(' ')))
      .map(({ id }) => id),
  )
}

/** From this score on a playbook has been asked for by its own words. */
const askedScore = 0.6
const wholeFactor = 0.7
/** Of a playbook that is called by its title. */
const namedScore = 0.99

/**
 * Where a side of something is asked for ("why did the cost rise"), the whole of it (the cost) steps back, unless it is
 * named: "cost breakdown of failed requests" asks for a cost breakdown.
 */
function withoutTheWhole(scores: readonly Candidate[], named: ReadonlySet<PlaybookId>): readonly Candidate[] {
  const asked = new Set(scores.filter(({ score }) => score >= askedScore).map(({ playbook }) => playbook))
  return scores.map((candidate) => {
    if (named.has(candidate.playbook)) return { ...candidate, score: Math.max(candidate.score, namedScore) }
    const stepsBack = narrower[candidate.playbook]?.some((playbook) => asked.has(playbook)) === true
    return stepsBack ? { ...candidate, score: candidate.score * wholeFactor } : candidate
  })
}

/** The candidates that cannot be told apart: one, or those the user has to choose among. */
export function levelCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  const best = candidates[0]?.score ?? 0
  return candidates.filter((candidate) => best - candidate.score < levelGap)
}

/** Asks which of several playbooks is meant. */
export function triageQuestion(
  candidates: readonly Candidate[],
  playbooks: readonly TriagePlaybook[],
): Question {
  const choices = candidates.flatMap(({ playbook }) => {
    const known = playbooks.find((each) => each.id === playbook)
    const example = known?.asks[0]
    return known === undefined
      ? []
      : [
          {
            value: known.id,
            label: example === undefined ? known.title : `${known.title}, e.g. “${example}”`,
          },
        ]
  })
  return { id: 'playbook', text: 'This can be read in more than one way. Which do you mean?', choices }
}

function tablesOf(context: TriageContext): readonly TableInfo[] {
  return context.profiles.map((profile) => ({
    tableName: context.tableNames?.get(profile.fileId) ?? 'data',
    profile,
    mapping: context.mappings?.find((mapping) => mapping.fileId === profile.fileId),
    choices: context.choices ?? noChoices,
  }))
}

/** Reads the question against each file: the one it fits, or a question which. */
function parseAny(question: string, tables: readonly TableInfo[], choices: Choices): ParsedQuestion | null {
  const chosen = choices.get('file')
  const results = tables
    .filter(({ profile }) => chosen === undefined || profile.fileName === chosen)
    .map((table) => parseSimpleQuestion(question, table))
  const fitting = results.filter((result) => result.ok)
  const counting = fitting.filter(({ reading }) => !rowsOfAnother(question, reading, tables))
  const read = counting.length === 0 ? fitting : counting
  const [first, second] = read
  if (first !== undefined && second === undefined) return first
  if (first !== undefined) {
    const names = read.map((result) => result.reading.fileName)
    return {
      ok: false,
      why: 'several files can answer this',
      nearest: [],
      question: {
        id: 'file',
        text: 'More than one file can answer this. Which do you mean?',
        choices: [...new Set(names)].map((name) => ({ value: name, label: name })),
      },
    }
  }
  return results.find((result) => !result.ok && result.question !== null) ?? results[0] ?? null
}

function scoreOf(reading: SimpleReading): number {
  const minutes = reading.groups.some((group) => group.kind === 'time' && group.grain === 'minute')
  const scoped =
    reading.groups.length > 0 ||
    reading.filters.length > 0 ||
    reading.window !== null ||
    reading.limit !== null
  const quantile = reading.aggregate.kind === 'quantile'
  if ((quantile && !scoped) || (minutes && reading.window === null)) return playbookBetterScore
  return scoped ? scopedScore : plainScore
}

function vocabularyScore(tokens: readonly Token[], playbook: TriagePlaybook): Candidate {
  const words = tokens.map((token) => token.word)
  const hits: string[] = []
  let weight = 0
  for (const [entry, each] of vocabulary[playbook.id]) {
    if (!says(words, entry.split(' '))) continue
    hits.push(entry.replace('*', ''))
    weight += each
  }
  if (weight > 0 && playbook.id !== 'any_table' && words.some((word) => openWords.has(word))) weight += 0.5
  weight += 3 * likeness(words, playbook.asks)
  const scale = words.some((word) => beyond.has(word)) ? 0.5 : 1
  const why =
    hits.length === 0 ? 'it resembles what is usually asked' : `it speaks of ${hits.slice(0, 4).join(', ')}`
  // Saturates, so that naming a thing five times does not outweigh everything else.
  return { playbook: playbook.id, score: scale * (1 - Math.exp(-weight / 3)), why }
}

/** Words for the whole table, and none that asks for one figure: "average foo of this file" wants a figure. */
function asksForOverview(tokens: readonly Token[], scores: readonly Candidate[]): boolean {
  const score = scores.find((candidate) => candidate.playbook === 'any_table')?.score ?? 0
  return score >= overviewScore && !tokens.some((token) => figureWords.has(token.word))
}

function says(words: readonly string[], entry: readonly string[]): boolean {
  return words.some((_, at) => entry.every((pattern, index) => fits(words[at + index] ?? '', pattern)))
}

function fits(word: string, pattern: string): boolean {
  if (!pattern.endsWith('*')) {
    if (word === pattern || (pattern.length > 3 && stem(word) === pattern)) return true
    return !isSpelt(word) && nearlySame(word, pattern)
  }
  const start = pattern.slice(0, -1)
  if (word.startsWith(start)) return true
  if (start.length < 5 || isSpelt(word)) return false
  return [0, 1, -1].some((more) => nearlySame(word.slice(0, start.length + more), start))
}

/** How much of a question is said in one of the playbook's own wordings, 0…1. */
function likeness(words: readonly string[], asks: readonly string[]): number {
  const content = new Set(words.filter((word) => !plainWords.has(word)).map(stem))
  if (content.size === 0) return 0
  const shares = asks.map((ask) => {
    const own = new Set(
      tokenise(ask)
        .map((token) => token.word)
        .filter((word) => !plainWords.has(word))
        .map(stem),
    )
    const common = [...content].filter((word) => own.has(word)).length
    return common / (content.size + own.size - common)
  })
  return Math.max(0, ...shares)
}

/** Whether the question names a column of some file clearly, although it is not understood as a whole. */
function namesColumn(tokens: readonly Token[], context: TriageContext): boolean {
  return context.profiles.some((profile) => {
    const mapping = context.mappings?.find((each) => each.fileId === profile.fileId)
    const terms = knownTerms(profile, mapping, context.choices ?? noChoices)
    return tokens.some(
      (token) =>
        token.kind === 'word' &&
        !plainWords.has(token.word) &&
        (matchTerms([token.text], terms)[0]?.score ?? 0) >= 0.85,
    )
  })
}
