import { requestItems } from '../../packages/server/src/agents/data-helper/data-request.ts'
import { mapFile } from '../../packages/server/src/agents/data-helper/field-mapping.ts'
import type { PlaybookId } from '../../packages/server/src/agents/data-helper/playbook.ts'
import { playbook, playbooks } from '../../packages/server/src/agents/data-helper/playbooks/playbooks.ts'
import { checkSufficiency } from '../../packages/server/src/agents/data-helper/sufficiency.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import { expectedSaid, formatMatrix } from './formats.ts'
import { type Result, result, type Said } from './score.ts'

export function verdictSaid(id: PlaybookId, profile: FileProfile, choices = new Map<string, string>()): Said {
  const known = playbook(id)
  const verdict = checkSufficiency(known, [mapFile(profile, choices)], choices)
  const asks = requestItems(known, verdict).map(({ field }) => field)
  switch (verdict.sufficiency) {
    case 'sufficient':
    case 'partial':
      return { kind: 'answer', figures: { verdict: verdict.sufficiency, asks: asks.toSorted().join() } }
    case 'insufficient':
      return { kind: 'request', fields: asks }
    case 'ambiguous':
      return { kind: 'question', id: verdict.question?.id ?? '' }
  }
}

/** 12 formats × 12 playbooks. */
export function formatVerdicts(file: string, profile: FileProfile): readonly Result[] {
  const row = formatMatrix[file]
  if (row === undefined) throw new Error(`No verdicts are expected of ${file}`)
  return playbooks.map(({ id }) =>
    result('verdict matrix', `${file} × ${id}`, expectedSaid(row[id]), verdictSaid(id, profile)),
  )
}

const partial = (field: string): Said => ({ kind: 'answer', figures: { verdict: 'partial', asks: field } })
const asks = (...fields: readonly string[]): Said => ({ kind: 'request', fields })
const still: Said = { kind: 'answer', figures: { verdict: 'sufficient', asks: '' } }

/** Columns of generic_requests.csv left out, and what then has to be said: exactly that field, or nothing at all. */
export const leftOut: readonly (readonly [PlaybookId, readonly string[], Said])[] = [
  ['cost_breakdown', ['timestamp'], partial('time')],
  ['cost_breakdown', ['model'], partial('model')],
  // Derived from model and tokens, so nothing is missing.
  ['cost_breakdown', ['cost_usd'], still],
  ['cost_breakdown', ['cost_usd', 'prompt_tokens'], asks('cost_usd')],
  ['month_over_month', ['timestamp'], asks('time')],
  ['month_over_month', ['model'], partial('model')],
  ['month_over_month', ['cost_usd', 'completion_tokens'], asks('cost_usd')],
  ['month_over_month', ['feature'], still],
  ['down_shift', ['model'], asks('model')],
  ['down_shift', ['prompt_tokens'], asks('input_tokens')],
  ['down_shift', ['completion_tokens'], asks('output_tokens')],
  ['down_shift', ['feature'], partial('feature')],
  ['down_shift', ['cost_usd'], still],
  ['prompt_caching', ['model'], partial('model')],
  ['prompt_caching', ['prompt_tokens'], asks('input_tokens')],
  ['prompt_caching', ['timestamp'], partial('time')],
  ['prompt_caching', ['cached_tokens'], still],
  ['latency_tail', ['latency_ms'], asks('latency_ms')],
  ['latency_tail', ['timestamp'], partial('time')],
  ['latency_tail', ['ttft_ms'], still],
  ['capacity', ['timestamp'], asks('time')],
  ['capacity', ['prompt_tokens'], partial('input_tokens')],
  ['capacity', ['completion_tokens'], partial('output_tokens')],
  ['errors_retries', ['status'], asks('status')],
  ['errors_retries', ['timestamp'], partial('time')],
  ['lengths_truncation', ['prompt_tokens'], partial('input_tokens')],
  ['lengths_truncation', ['completion_tokens'], partial('output_tokens')],
  ['lengths_truncation', ['finish_reason'], still],
  ['chargeback', ['timestamp'], partial('time')],
  ['chargeback', ['tenant'], asks('tenant')],
  ['chargeback', ['cost_usd', 'completion_tokens'], asks('cost_usd')],
  ['batch_eligibility', ['timestamp'], asks('time')],
  ['batch_eligibility', ['feature'], partial('feature')],
  ['batch_eligibility', ['prompt_tokens'], partial('input_tokens')],
  ['batch_eligibility', ['cost_usd', 'completion_tokens'], asks('cost_usd')],
  ['anomaly_days', ['timestamp'], asks('time')],
  ['anomaly_days', ['cost_usd'], still],
]

export function leaveOneOut(profile: FileProfile): readonly Result[] {
  return leftOut.map(([id, columns, expected]) => {
    const rest = { ...profile, columns: profile.columns.filter(({ name }) => !columns.includes(name)) }
    return result('leave one out', `${id} without ${columns.join(', ')}`, expected, verdictSaid(id, rest))
  })
}

/** Required fields of every playbook that no case above takes away: the list has to be complete. */
export function requiredWithoutCase(): readonly string[] {
  return playbooks.flatMap(({ id, required }) =>
    required
      .filter(
        ({ anyOf }) =>
          !leftOut.some(
            ([other, columns]) =>
              other === id &&
              columns.some((column) => (anyOf as readonly string[]).includes(fieldOf[column] ?? '')),
          ),
      )
      .map(({ anyOf }) => `${id}: ${anyOf.join(' or ')}`),
  )
}

const fieldOf: Readonly<Record<string, string>> = {
  timestamp: 'time',
  model: 'model',
  tenant: 'tenant',
  feature: 'feature',
  status: 'status',
  prompt_tokens: 'input_tokens',
  completion_tokens: 'output_tokens',
  cost_usd: 'cost_usd',
  latency_ms: 'latency_ms',
}
