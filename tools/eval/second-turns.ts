import { openConversation } from '../../packages/server/src/agents/data-helper/testing/conversation.ts'
import type { TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import type { Truth } from './answers.ts'
import { type Result, result, type Said } from './score.ts'
import { answer, said } from './talks.ts'

/** The missing file arrives in the same thread, or the question is answered: the answer is the truth. */
export async function secondTurns(
  files: TestFiles,
  {
    generic,
    daily,
    doubtful,
  }: { readonly generic: FileProfile; readonly daily: FileProfile; readonly doubtful: FileProfile },
  known: Truth,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const arrives: readonly (readonly [
    string,
    Said,
    Said,
    Readonly<Record<string, readonly [string, string]>>,
  ])[] = [
    [
      'What is our p95 latency over everything and why is it slow?',
      { kind: 'request', fields: ['latency_ms'] },
      answer({ p95: known.latency_ms_ok.p95 }),
      { p95: ['latency_overall', 'p95_ms'] },
    ],
    [
      'What is our peak load per minute?',
      { kind: 'request', fields: ['time'] },
      answer({ rpm: known.peak_minute.rpm }),
      { rpm: ['peak_minute', 'peak_requests_per_minute'] },
    ],
    [
      'Why do requests fail?',
      { kind: 'request', fields: ['time', 'status'] },
      answer({ failed: known.errors.total }),
      { failed: ['errors_total', 'failed'] },
    ],
    [
      'Are answers being cut off?',
      { kind: 'request', fields: ['output_tokens'] },
      answer({ cut: known.truncation.length }),
      { cut: ['truncated_answers', 'truncated'] },
    ],
  ]
  for (const [question, first, then, cells] of arrives) {
    const talk = openConversation(files)
    results.push(
      result('second turn', `${question} (sums of days)`, first, said(await talk.say(question, daily), {})),
    )
    results.push(
      result(
        'second turn',
        `${question} (the log arrives)`,
        then,
        said(await talk.say('here it is', generic), cells),
      ),
    )
  }
  return [
    ...results,
    ...(await choicesMade(files, doubtful, known)),
    ...(await afterChoice(files, generic, doubtful)),
  ]
}

/** A question is asked once, and its answer remembered. */
async function choicesMade(
  files: TestFiles,
  doubtful: FileProfile,
  known: Truth,
): Promise<readonly Result[]> {
  const asked = openConversation(files)
  const cells = { p95: ['latency_overall', 'p95_ms'] } as const
  return [
    result(
      'second turn',
      'a unit is asked',
      { kind: 'question', id: 'unit:duration' },
      said(await asked.say('Why is it slow?', doubtful), cells),
    ),
    result(
      'second turn',
      'and answered',
      answer({ p95: known.latency_ms_ok.p95 }),
      said(await asked.say('milliseconds', ...[]), cells),
    ),
    // Asked once, remembered for the thread.
    result(
      'second turn',
      'and not asked again',
      answer({ p95: known.latency_ms_ok.p95 }),
      said(await asked.say('what causes the long tail?'), cells),
    ),
  ]
}

/** What was chosen for one question decides no other one, and what only sounds like a choice is none. */
async function afterChoice(
  files: TestFiles,
  generic: FileProfile,
  doubtful: FileProfile,
): Promise<readonly Result[]> {
  const turn = (name: string, expected: Said, came: Said) => result('after a choice', name, expected, came)
  const playbook = (id: string): Said => answer({ playbook: id })
  const level = openConversation(files)
  const unit = openConversation(files)
  const offered = openConversation(files)
  const question = (id: string): Said => ({ kind: 'question', id })
  const first = async (talk: ReturnType<typeof openConversation>, text: string, file: FileProfile) =>
    said(await talk.say(text, file), {})
  return [
    turn(
      'two playbooks are level',
      question('playbook'),
      await first(level, 'how slow and how expensive is it', generic),
    ),
    turn('one is chosen', playbook('cost_breakdown'), said(await level.say('cost_breakdown'), {})),
    turn('a figure is asked', playbook('any_table'), said(await level.say('how many requests failed?'), {})),
    turn('another playbook is asked', playbook('latency_tail'), said(await level.say('Why is it slow?'), {})),
    turn('a poem is asked', question('instead'), said(await level.say('write me a poem'), {})),
    turn('a unit is asked', question('unit:duration'), await first(unit, 'Why is it slow?', doubtful)),
    turn(
      'a question with “last” in it is answered',
      playbook('any_table'),
      said(await unit.say('average cost over the last 7 days of the data'), {}),
    ),
    turn(
      'and no unit is chosen by it',
      question('unit:duration'),
      said(await unit.say('Why is it slow?'), {}),
    ),
    turn(
      'some rows cannot be told',
      question('whole'),
      await first(offered, 'cost breakdown for umbrella', generic),
    ),
    turn(
      'an offered example is asked',
      playbook('cost_breakdown'),
      said(await offered.say('Where does the money go?'), {}),
    ),
  ]
}
