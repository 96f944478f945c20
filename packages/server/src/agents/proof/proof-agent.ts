import { HoldfastError, proofAgentName, proofLimits } from '@holdfast/protocol'
import type { OfflineRules } from '../../models/offline-model.ts'
import { defineAgent } from '../define-agent.ts'
import { EchoOutput, proofTools } from './proof-tools.ts'

/**
 * Deterministic by construction: which call follows stands in the output of the one before, and that in the script.
 * So a proof knows every event of a run beforehand, and whatever differs is the server's doing.
 */
const proofRules: OfflineRules = (results) => {
  const last = results.at(-1)
  if (last === undefined)
    return { kind: 'call', tool: 'proof_echo', input: {}, thinking: 'Reading the script of this proof.' }
  if (!last.ok) return { kind: 'say', text: 'The tool failed, and the run goes on.' }
  const { nonce, next } = EchoOutput.parse(last.output)
  switch (next) {
    case 'echo':
      return { kind: 'call', tool: 'proof_echo', input: {}, thinking: 'Once more.' }
    case 'stall':
      return { kind: 'call', tool: 'proof_stall', input: {}, thinking: 'Waiting for what does not end.' }
    case 'answer':
      return { kind: 'say', text: nonce }
    case 'fail':
      return {
        kind: 'fail',
        error: new HoldfastError('tool_failed', `The script of proof ${nonce} asks for a run that fails`),
      }
    default:
      return next satisfies never
  }
}

export const proofAgent = defineAgent({
  name: proofAgentName,
  description: 'Carries out the scripts of `holdfast prove`: the same events each time, without a model.',
  instructions: 'Carry out the script.',
  tools: proofTools.map(({ name }) => name),
  maxSteps: proofLimits.calls + 2,
  offlineRules: proofRules,
  openTo: 'provers',
})
