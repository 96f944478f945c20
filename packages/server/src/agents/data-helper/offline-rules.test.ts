import { describe, expect, test } from 'vitest'
import type { OfflineStep, SeenResult } from '../../models/offline-model.ts'
import { dataHelperRules } from './offline-rules.ts'

const profile: SeenResult = { tool: 'profile', ok: true, output: { files: [], unreadable: [] } }
const analyse: SeenResult = {
  tool: 'triage',
  ok: true,
  output: { decision: 'analyse', question: 'Why is it slow?', playbook: 'latency_tail', readAs: null },
}
const mapped: SeenResult = { tool: 'map_columns', ok: true, output: { files: [] } }
const verdict = (sufficiency: string): SeenResult => ({
  tool: 'check_sufficiency',
  ok: true,
  output: { playbook: 'latency_tail', sufficiency, missing: ['latency_ms'], reductions: [], question: null },
})
const done = (tool: string, output: object = {}): SeenResult => ({ tool, ok: true, output })
const settled = { outcome: 'answered', summary: 'p95', text: 'It is slow.' }

const ask = {
  id: 'instead',
  text: 'You could ask:',
  choices: [
    { value: 'a', label: 'a' },
    { value: 'b', label: 'b' },
  ],
}

const nextTool = (step: OfflineStep) => (step.kind === 'call' ? step.tool : step.kind)

describe('[A4] the walk of the data helper, by rule', () => {
  test.each<[string, SeenResult[], string]>([
    ['begins by looking', [], 'profile'],
    ['then asks what is wanted', [profile], 'triage'],
    ['then what the columns mean', [profile, analyse], 'map_columns'],
    ['then whether that is enough', [profile, analyse, mapped], 'check_sufficiency'],
    ['asks where it is not', [profile, analyse, mapped, verdict('insufficient')], 'request_data'],
    ['asks where it is ambiguous', [profile, analyse, mapped, verdict('ambiguous')], 'request_data'],
    ['computes where it is', [profile, analyse, mapped, verdict('sufficient')], 'run_analysis'],
    ['computes what it can', [profile, analyse, mapped, verdict('partial')], 'run_analysis'],
    ['then draws', [profile, analyse, mapped, verdict('sufficient'), done('run_analysis')], 'draw_chart'],
    [
      'then writes',
      [profile, analyse, mapped, verdict('sufficient'), done('run_analysis'), done('draw_chart')],
      'write_report',
    ],
    ['says what was written', [profile, analyse, done('write_report', settled)], 'say'],
    ['says what was requested', [profile, analyse, done('request_data', settled)], 'say'],
    ['runs SQL of the user', [profile, done('triage', { decision: 'sql', sql: 'SELECT 1' })], 'query'],
    [
      'asks when triage could not tell',
      [profile, done('triage', { decision: 'ask', question: 'q', why: 'w', ask })],
      'request_data',
    ],
  ])('%s', (_, results, expected) => {
    expect(nextTool(dataHelperRules(results))).toBe(expected)
  })

  test('an error of a tool ends the run under its own code, never as a question', () => {
    const step = dataHelperRules([profile, { tool: 'query', ok: false, output: 'sql_refused: No COPY here' }])
    expect(step).toMatchObject({ kind: 'fail', error: { code: 'sql_refused', message: 'No COPY here' } })
  })
})
