/**
 * `npm run eval`: is the data helper right, and where it cannot be, does it ask for the right thing? Prints a table and
 * a score; ends with 1 below the goal, with a single confident wrong answer, or without the trial data. `npm run eval -- --all` lists every case, `npm run eval -- units` runs one part.
 */
import { readFileSync } from 'node:fs'
import { openFiles, type TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { sharedData } from '../../packages/server/src/agents/data-helper/testing/shared-data.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import { cellsSaid, figuresOf, golden, partsOf, plantedAnswers, type Truth, truth } from './answers.ts'
import { declined, paraphrases, unlimited } from './asked.ts'
import { formatMatrix } from './formats.ts'
import { joinedQuestions } from './joins.ts'
import { changed, csvOf, levelColumns, sheetOf, unitMutations, without } from './mutations.ts'
import { points, type Result, result, share } from './score.ts'
import { secondTurns } from './second-turns.ts'
import { limitedQuestions } from './talks.ts'
import { formatVerdicts, leaveOneOut } from './verdicts.ts'

const goal = 0.97

/** Exports of single requests that have their failures too: every planted answer is in them. */
const wholeLogs = [
  'generic_requests.csv',
  'litellm_spendlogs.csv',
  'langfuse_observations_v2.jsonl',
  'otel_genai_spans.jsonl',
]

/** What the parts share: files are read once, however many parts ask for them. */
interface Bench {
  readonly files: TestFiles
  readonly known: Truth
  /** Of the synthetic exports by its name, of the public traces by its path. */
  readonly profile: (path: string) => Promise<FileProfile>
}

const generic = 'synthetic-exports/generic_requests.csv'
const csv = (): string => readFileSync(sharedData.path(generic), 'utf8')

/** The parts by name: `npm run eval -- units talks` runs two of them. */
const parts: Readonly<Record<string, (bench: Bench) => Promise<readonly Result[]>>> = {
  async verdicts({ profile }) {
    const results: Result[] = []
    for (const file of Object.keys(formatMatrix))
      results.push(...formatVerdicts(file, await profile(`synthetic-exports/${file}`)))
    return [...results, ...leaveOneOut(await profile(generic))]
  },
  async planted({ files, profile, known }) {
    const results: Result[] = []
    for (const file of wholeLogs)
      results.push(...(await plantedAnswers(files, file, await profile(`synthetic-exports/${file}`))))
    for (const [file, id, expect] of partsOf(known)) {
      const came = await cellsSaid(files, id, [await profile(`synthetic-exports/${file}`)], expect)
      results.push(result('planted answers', `${file} × ${id}`, figuresOf(expect), came))
    }
    return results
  },
  async golden({ files, profile }) {
    const results: Result[] = []
    for (const [file, id, expect] of golden) {
      const came = await cellsSaid(files, id, [await profile(file)], expect)
      results.push(result('golden numbers', `${file} × ${id}`, figuresOf(expect), came))
    }
    return results
  },
  units: ({ files, known }) => unitMutations(files, csv(), known),
  level: ({ files }) => levelColumns(files, csv()),
  rows: async ({ files, profile }) => limitedQuestions(files, await profile(generic), sheetOf(csv())),
  joins: ({ files }) => joinedQuestions(files, sheetOf(csv())),
  async turns({ files, profile, known }) {
    const sheet = without(
      changed(sheetOf(csv()), 'latency_ms', 'duration', (text) => text),
      'completion_tokens',
      'ttft_ms',
    )
    const doubtful = await files.profile('doubtful.csv', csvOf(sheet))
    const daily = await profile('synthetic-exports/openai_completions_usage_1d.csv')
    return secondTurns(files, { generic: await profile(generic), daily, doubtful }, known)
  },
}

async function evaluate(wanted: readonly string[]): Promise<readonly Result[]> {
  const results: Result[] = wanted.length === 0 ? [...paraphrases(), ...unlimited(), ...declined()] : []
  if (!sharedData.present) {
    console.error(
      'Not judged: the trial data (../shared/data) is not there, and only wordings are looked at.',
    )
    return results
  }
  await using files = await openFiles()
  const profiles = new Map<string, Promise<FileProfile>>()
  const profile = (path: string): Promise<FileProfile> => {
    const known = profiles.get(path) ?? files.profile(sharedData.path(path))
    profiles.set(path, known)
    return known
  }
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const began = performance.now()
    const found = await part({ files, known: truth(), profile })
    const right = found.filter(({ judgement }) => judgement === 'right').length
    console.error(
      `${name}: ${right} of ${found.length}, ${((performance.now() - began) / 1_000).toFixed(0)} s`,
    )
    results.push(...found)
  }
  return results
}

function table(results: readonly Result[]): string {
  const areas = [...new Set(results.map(({ area }) => area))]
  const count = (area: string | null, judgement: Result['judgement']) =>
    results.filter((each) => (area === null || each.area === area) && each.judgement === judgement).length
  const line = (name: string, area: string | null) => {
    const own = results.filter((each) => area === null || each.area === area)
    const sum = own.reduce((total, { judgement }) => total + points[judgement], 0)
    const cells = [
      own.length,
      count(area, 'right'),
      count(area, 'needless_question'),
      count(area, 'missed'),
      count(area, 'confident_wrong'),
      sum,
      `${(100 * share(own)).toFixed(1)} %`,
    ]
    return `| ${name} | ${cells.join(' | ')} |`
  }
  return [
    '| area | cases | right | needless question | missed | confidently wrong | points | of all |',
    '|---|---|---|---|---|---|---|---|',
    ...areas.map((area) => line(area, area)),
    line('**all**', null),
  ].join('\n')
}

const args = process.argv.slice(2)
const all = args.includes('--all')
const wanted = args.filter((arg) => arg !== '--all')
const unknown = wanted.filter((name) => parts[name] === undefined)
if (unknown.length > 0)
  throw new Error(`There is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
const results = await evaluate(wanted)
for (const { area, name, judgement, detail } of results)
  if (all || judgement !== 'right')
    console.log(`${judgement.padEnd(17)} ${area}: ${name}${detail === '' ? '' : `\n    ${detail}`}`)
console.log(`\n${table(results)}\n`)
const wrong = results.filter(({ judgement }) => judgement === 'confident_wrong').length
const reached = share(results)
console.log(
  `Score ${(100 * reached).toFixed(1)} % of the points (goal ${100 * goal} %), ${wrong} confidently wrong (goal 0).`,
)
// What was not looked at is not right: without its data nothing has been judged.
process.exitCode = sharedData.present && reached >= goal && wrong === 0 ? 0 : 1
