import { mapFile } from '../../packages/server/src/agents/data-helper/field-mapping.ts'
import type { PlaybookId } from '../../packages/server/src/agents/data-helper/playbook.ts'
import { playbooks } from '../../packages/server/src/agents/data-helper/playbooks/playbooks.ts'
import { readSelection } from '../../packages/server/src/agents/data-helper/selection/read-selection.ts'
import { describeSelection } from '../../packages/server/src/agents/data-helper/selection/selection.ts'
import {
  numbers,
  profileOf,
  texts,
  timestamps,
} from '../../packages/server/src/agents/data-helper/testing/profiles.ts'
import { levelCandidates, triage } from '../../packages/server/src/agents/data-helper/triage.ts'
import { type Result, result, type Said } from './score.ts'
import { limited, unrelated, wordings } from './wordings.ts'

/** Which playbook a wording reaches, by its words alone. */
function reached(question: string): Said {
  const { candidates, unrelated: none } = triage(question, { playbooks, profiles: [] })
  if (none) return { kind: 'nothing', why: 'declined' }
  const level = levelCandidates(candidates)
  const [only, second] = level
  if (only === undefined) return { kind: 'nothing', why: 'declined' }
  return second === undefined
    ? { kind: 'answer', figures: { playbook: only.playbook } }
    : { kind: 'question', id: level.map(({ playbook }) => playbook).join(' or ') }
}

export function paraphrases(): readonly Result[] {
  return Object.entries(wordings).flatMap(([playbook, questions]) =>
    questions.map((question) =>
      result(
        'paraphrases',
        `${playbook}: ${question}`,
        { kind: 'answer', figures: { playbook } },
        reached(question),
      ),
    ),
  )
}

/** A log of requests as most are: what a wording limits, it has to say of itself. */
const profile = profileOf([
  timestamps,
  texts('model', 'gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5'),
  texts('provider', 'openai', 'anthropic'),
  texts('tenant', 'acme', 'globex', 'initech'),
  texts('feature', 'chat', 'nightly_summaries', 'classify', 'support_bot', 'report'),
  texts('status', '200', '429', '504'),
  numbers('prompt_tokens', 900),
  numbers('cached_tokens', 200),
  numbers('completion_tokens', 230),
  numbers('cost_usd', 0.004),
  numbers('latency_ms', 3_400),
  numbers('ttft_ms', 340),
  texts('finish_reason', 'stop', 'length'),
])
const file = { profile, mapping: mapFile(profile, new Map()) }

/** Which rows a wording is taken to be about: all, unless it names some. */
function rowsOf(question: string, playbook: PlaybookId): Said {
  const read = readSelection(question, playbook, file, new Map())
  if (read.kind !== 'read') return { kind: 'question', id: read.kind }
  const { compare } = read.selection
  const rows = describeSelection(read.selection) ?? 'all rows'
  return { kind: 'answer', figures: { rows, compared: compare.length } }
}

/** A wording that limits nothing is not refused as if it did. */
export function unlimited(): readonly Result[] {
  return Object.entries(wordings)
    .filter(([playbook]) => playbook !== 'any_table')
    .flatMap(([playbook, questions]) =>
      questions
        .filter((question) => !limited.has(question))
        .map((question) =>
          result(
            'about all rows',
            `${playbook}: ${question}`,
            { kind: 'answer', figures: { rows: 'all rows' } },
            rowsOf(question, playbook as PlaybookId),
          ),
        ),
    )
}

export function declined(): readonly Result[] {
  return unrelated.map((question) =>
    result('unrelated', question, { kind: 'nothing', why: 'declined' }, reached(question)),
  )
}
