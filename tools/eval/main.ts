/**
 * `npm run eval`: is the data helper right, and where it cannot be, does it ask for the right thing? Prints a table and
 * a score; ends with 1 below the goal, or with a single confident wrong answer. `npm run eval -- --all` lists every case.
 */
import { readFileSync } from 'node:fs'
import { openFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { sharedData } from '../../packages/server/src/agents/data-helper/testing/shared-data.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import { cellsSaid, figuresOf, golden, partsOf, plantedAnswers, truth } from './answers.ts'
import { declined, paraphrases } from './asked.ts'
import { formatMatrix } from './formats.ts'
import { changed, csvOf, levelColumns, sheetOf, unitMutations, without } from './mutations.ts'
import { points, type Result, result, share } from './score.ts'
import { limitedQuestions, secondTurns } from './talks.ts'
import { formatVerdicts, leaveOneOut } from './verdicts.ts'

const goal = 0.97

/** Exports of single requests that have their failures too: every planted answer is in them. */
const wholeLogs = [
  'generic_requests.csv',
  'litellm_spendlogs.csv',
  'langfuse_observations_v2.jsonl',
  'otel_genai_spans.jsonl',
]

async function evaluate(say: (text: string) => void): Promise<readonly Result[]> {
  const results: Result[] = [...paraphrases(), ...declined()]
  if (!sharedData.present) {
    say('The trial data (../shared/data) is not there: only wordings are looked at.')
    return results
  }
  await using files = await openFiles()
  const profiles = new Map<string, FileProfile>()
  for (const file of Object.keys(formatMatrix)) {
    const profile = await files.profile(sharedData.path(`synthetic-exports/${file}`))
    profiles.set(file, profile)
    results.push(...formatVerdicts(file, profile))
  }
  const known = truth()
  const profileOf = (file: string): FileProfile => {
    const found = profiles.get(file)
    if (found === undefined) throw new Error(`There is no ${file}`)
    return found
  }
  const generic = profileOf('generic_requests.csv')
  results.push(...leaveOneOut(generic))
  for (const file of wholeLogs) {
    say(`planted answers: ${file}`)
    results.push(...(await plantedAnswers(files, file, profileOf(file))))
  }
  say('parts of the truth in the other exports')
  for (const [file, id, expect] of partsOf(known))
    results.push(
      result(
        'planted answers',
        `${file} × ${id}`,
        figuresOf(expect),
        await cellsSaid(files, id, [profileOf(file)], expect),
      ),
    )
  say('public traces')
  for (const [file, id, expect] of golden) {
    const profile = profiles.get(file) ?? (await files.profile(sharedData.path(file)))
    profiles.set(file, profile)
    results.push(
      result(
        'golden numbers',
        `${file} × ${id}`,
        figuresOf(expect),
        await cellsSaid(files, id, [profile], expect),
      ),
    )
  }
  const csv = readFileSync(sharedData.path('synthetic-exports/generic_requests.csv'), 'utf8')
  const sheet = sheetOf(csv)
  say('units')
  results.push(...(await unitMutations(files, csv, known)))
  results.push(...(await levelColumns(files, csv)))
  say('questions about some rows')
  results.push(...(await limitedQuestions(files, generic, sheet)))
  say('second turns')
  const doubtful = await files.profile(
    'doubtful.csv',
    csvOf(
      without(
        changed(sheet, 'latency_ms', 'duration', (text) => text),
        'completion_tokens',
        'ttft_ms',
      ),
    ),
  )
  results.push(
    ...(await secondTurns(
      files,
      { generic, daily: profileOf('openai_completions_usage_1d.csv'), doubtful },
      known,
    )),
  )
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

const results = await evaluate((text) => console.error(text))
const all = process.argv.includes('--all')
for (const { area, name, judgement, detail } of results)
  if (all || judgement !== 'right')
    console.log(`${judgement.padEnd(17)} ${area}: ${name}${detail === '' ? '' : `\n    ${detail}`}`)
console.log(`\n${table(results)}\n`)
const wrong = results.filter(({ judgement }) => judgement === 'confident_wrong').length
const reached = share(results)
console.log(
  `Score ${(100 * reached).toFixed(1)} % of the points (goal ${100 * goal} %), ${wrong} confidently wrong (goal 0).`,
)
process.exitCode = reached >= goal && wrong === 0 ? 0 : 1
