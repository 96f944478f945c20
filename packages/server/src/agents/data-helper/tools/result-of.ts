import type { Json } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { ToolContext } from '../../../tools/define-tool.ts'

/**
 * The latest output of a tool in this run.
 * @throws {HoldfastError} bad_request: it has not been called yet; says to call it first, which a model can do
 */
export function resultOf(context: ToolContext, tool: string): Json {
  const result = context.results.findLast((candidate) => candidate.tool === tool && candidate.ok)
  if (result === undefined)
    throw new HoldfastError('bad_request', `Call ${tool} first: this tool reads its result`)
  return result.output
}
