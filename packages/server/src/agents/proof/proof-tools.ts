import { HoldfastError, type ProofScript, readProofScript } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, type ToolContext, type ToolDefinition } from '../../tools/define-tool.ts'

/** What the rules of the proof agent go by: the tool has read the script, they see only results. */
export const EchoOutput = z.object({
  nonce: z.string(),
  next: z.enum(['echo', 'stall', 'answer', 'fail']),
  fill: z.string(),
})
type EchoOutput = z.infer<typeof EchoOutput>

const echoTool = defineTool({
  name: 'proof_echo',
  description: 'Gives the nonce of a proof back, as its script says.',
  effect: 'pure',
  input: z.object({}),
  async execute(_, context) {
    const script = scriptOf(context)
    // `results` holds what this run has called before: the script is carried out once, whatever attempt this is.
    const calls = context.results.length + 1
    if (script.do === 'tool_error')
      throw new HoldfastError('tool_failed', `The script of proof ${script.nonce} asks for a failing tool`)
    if (script.do === 'wait') await wait(script.waitMs, context.signal)
    const output: EchoOutput = {
      nonce: script.nonce,
      next: nextOf(script, calls),
      fill: 'x'.repeat(script.fillBytes),
    }
    return { output }
  },
})

/** Waits longer than it may: its deadline ends it. */
const stallTool = defineTool({
  name: 'proof_stall',
  description: 'Does not end by itself, so that a proof sees a tool time out.',
  effect: 'pure',
  timeoutMs: 300,
  input: z.object({}),
  async execute(_, { signal }) {
    await wait(60_000, signal)
    return { output: null }
  },
})

export const proofTools: readonly ToolDefinition[] = [echoTool, stallTool]

function nextOf(script: ProofScript, calls: number): EchoOutput['next'] {
  if (calls < script.calls) return 'echo'
  if (script.do === 'fail') return 'fail'
  return script.do === 'tool_timeout' ? 'stall' : 'answer'
}

function scriptOf({ message }: ToolContext): ProofScript {
  const script = readProofScript(message.text)
  if (script !== null) return script
  throw new HoldfastError(
    'bad_request',
    'The proof agent carries out scripts of `holdfast prove` and answers no questions; choose another agent',
  )
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = (): void => reject(signal.reason as Error)
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
