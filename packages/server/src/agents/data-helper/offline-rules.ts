import type { ErrorCode } from '@holdfast/protocol'
import { errorCodes, HoldfastError } from '@holdfast/protocol'
import type { OfflineStep, SeenResult } from '../../models/offline-model.ts'
import { SettledOutput, TriageOutput, VerdictOutput } from './tool-outputs.ts'

/**
 * The walk of the data helper as rules (A4): profile → triage → map_columns → check_sufficiency, then request_data
 * or run_analysis → draw_chart → write_report. Each rule looks only at which results are there, so the walk goes on
 * in the right place after any interruption.
 *
 * Triage comes after the profile: whether "cost by team" is a plain question about two columns or a case for a
 * playbook shows only in the columns.
 */
export const dataHelperRules = (results: readonly SeenResult[]): OfflineStep => {
  const latest = results.at(-1)
  if (latest !== undefined && !latest.ok) return giveUp(latest)

  const settled = outputOf(results, 'write_report') ?? outputOf(results, 'request_data')
  if (settled !== undefined) return { kind: 'say', text: SettledOutput.parse(settled).text }

  if (outputOf(results, 'profile') === undefined)
    return call('profile', {}, 'Looking at the files of this thread.')
  const triaged = outputOf(results, 'triage')
  if (triaged === undefined) return call('triage', {}, 'Working out what is being asked.')
  return afterTriage(results, TriageOutput.parse(triaged))
}

function afterTriage(results: readonly SeenResult[], triage: TriageOutput): OfflineStep {
  switch (triage.decision) {
    case 'ask':
      return call('request_data', {}, triage.why)
    case 'sql':
      if (outputOf(results, 'query') === undefined)
        return call('query', { sql: triage.sql }, 'Running this SQL on the files of this thread.')
      return call('write_report', {}, 'Writing down the rows.')
    case 'analyse':
      return analyse(results, triage)
  }
}

function analyse(
  results: readonly SeenResult[],
  triage: Extract<TriageOutput, { decision: 'analyse' }>,
): OfflineStep {
  const { playbook } = triage
  if (outputOf(results, 'map_columns') === undefined)
    return call(
      'map_columns',
      {},
      triage.readAs ?? `This is a question about ${playbook.replaceAll('_', ' ')}.`,
    )
  const checked = outputOf(results, 'check_sufficiency')
  if (checked === undefined)
    return call('check_sufficiency', { playbook }, 'Checking whether the data is enough for an answer.')
  const verdict = VerdictOutput.parse(checked)
  switch (verdict.sufficiency) {
    case 'insufficient':
      return call('request_data', {}, `Something is missing: ${verdict.missing.join(', ')}.`)
    case 'ambiguous':
      return call('request_data', {}, verdict.question ?? 'One thing has to be decided first.')
    case 'sufficient':
    case 'partial':
      if (outputOf(results, 'run_analysis') === undefined)
        return call('run_analysis', { playbook }, 'The data is enough. Computing.')
      if (outputOf(results, 'draw_chart') === undefined)
        return call('draw_chart', {}, 'Drawing what is easier seen than read.')
      return call('write_report', {}, 'Writing the answer; every figure refers to a cell of a query.')
  }
}

function outputOf(results: readonly SeenResult[], tool: string): unknown {
  return results.findLast((result) => result.tool === tool && result.ok)?.output
}

const call = (tool: string, input: Readonly<Record<string, unknown>>, thinking: string): OfflineStep => ({
  kind: 'call',
  tool,
  input,
  thinking,
})

/** A tool's error is said as it is, never dressed up as a question. The loop gives it as `code: message`. */
function giveUp(result: SeenResult): OfflineStep {
  const text = String(result.output)
  const [, code = '', message = text] = /^([a-z_]+): ([\s\S]*)$/.exec(text) ?? []
  const known: ErrorCode = code in errorCodes ? (code as ErrorCode) : 'tool_failed'
  return { kind: 'fail', error: new HoldfastError(known, message) }
}
