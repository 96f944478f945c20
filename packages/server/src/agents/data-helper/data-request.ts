import type { DataRequestItem } from '@holdfast/protocol'
import { exportHints, ofSingleRequests, requestTimeHints } from './export-hints.ts'
import type { FieldName } from './fields.ts'
import type { Need, Playbook } from './playbook.ts'
import type { Verdict } from './sufficiency.ts'

/** What has to be asked for, one item a field and nothing else: empty where the files are enough. */
export function requestItems(playbook: Playbook, verdict: Verdict): readonly DataRequestItem[] {
  const items = verdict.missing.map(({ need, instead }) => {
    return item(need, instead, playbook)
  })
  const named = new Set(items.map(({ field }) => field))
  // A reduction may wait for an optional field.
  for (const { missing: field, says } of verdict.reductions) {
    if (field === null || named.has(field)) continue
    const need = [...playbook.required, ...playbook.optional].find(({ anyOf }) => anyOf.includes(field))
    if (need === undefined || verdict.missing.some((entry) => entry.need === need)) continue
    named.add(field)
    items.push(item({ ...need, anyOf: [field] }, says, playbook))
  }
  return items
}

const allGrains = 5

function item(need: Need, instead: string, { grains }: Playbook): DataRequestItem {
  const [field = 'time'] = need.anyOf
  const single = grains.every((grain) => grain === 'request')
  const hints = field === 'time' && grains.length < allGrains ? requestTimeHints : exportHints(field)
  const shape = shapes[field]
  return {
    field,
    why: `${need.why} (${instead.replace(/[.]$/, '')}).`,
    format: shape?.format ?? 'text',
    sample: shape?.sample ?? '',
    howTo: [...(single ? ofSingleRequests(hints) : hints)],
    unlocks: need.unlocks,
  }
}

const shapes: Readonly<Partial<Record<FieldName, { readonly format: string; readonly sample: string }>>> = {
  time: {
    format:
      'when each request started: RFC 3339 or Unix seconds or milliseconds, UTC unless the zone is stated',
    sample: '2026-09-01T02:00:07.188Z',
  },
  model: { format: 'the model’s name or id', sample: 'gpt-5-mini' },
  cost_usd: {
    format:
      'the cost of each row in USD; or its model with input_tokens and output_tokens, from which the cost is estimated at list prices',
    sample: '0.01187375 (or input_tokens 6419, output_tokens 385)',
  },
  input_tokens: { format: 'whole number; say whether cached tokens are included', sample: '6419' },
  output_tokens: { format: 'whole number', sample: '385' },
  total_tokens: { format: 'whole number, input and output together', sample: '6804' },
  cached_input_tokens: { format: 'whole number, part of the input', sample: '3072' },
  latency_ms: {
    format:
      'how long each whole request took, in milliseconds (name the column with its unit, e.g. latency_ms)',
    sample: '5588',
  },
  ttft_ms: { format: 'milliseconds to the first token of each request', sample: '840' },
  status: { format: 'HTTP status code, or success and error', sample: '200' },
  tenant: { format: 'customer, team or account of each request', sample: 'acme' },
  feature: { format: 'what the request was for', sample: 'nightly_summaries' },
}

/** One value of a field, as a file holds it. */
export const sampleOf = (field: FieldName): string => shapes[field]?.sample.replace(/ \(.*$/, '') ?? ''
