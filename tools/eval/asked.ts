import { playbooks } from '../../packages/server/src/agents/data-helper/playbooks/playbooks.ts'
import { levelCandidates, triage } from '../../packages/server/src/agents/data-helper/triage.ts'
import { type Result, result, type Said } from './score.ts'
import { unrelated, wordings } from './wordings.ts'

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

export function declined(): readonly Result[] {
  return unrelated.map((question) =>
    result('unrelated', question, { kind: 'nothing', why: 'declined' }, reached(question)),
  )
}
