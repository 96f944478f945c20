import { z } from 'zod'

/**
 * What a prover asks of a server's proof agent: the text of a message, as JSON. The agent does what the script says and
 * nothing else, so that every event of the run is known before it is asked for.
 */
export const proofAgentName = 'proof'

export const proofLimits = {
  /** Calls of the echo tool a script may ask for. */
  calls: 40,
  /** Bytes each echo may carry, so that a few runs fill any buffer. */
  fillBytes: 32 * 1024,
  /** How long a waiting tool waits at most. */
  waitMs: 60_000,
} as const

export const ProofScript = z.strictObject({
  /** Unguessable, and echoed by the agent: whoever sees it elsewhere has seen another's run. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  do: z
    .enum(['echo', 'wait', 'tool_error', 'tool_timeout', 'fail'])
    .describe(
      'echo: answer. wait: a call that waits. tool_error, tool_timeout: a call that fails, then an answer. fail: the run fails.',
    ),
  calls: z.int().min(1).max(proofLimits.calls).default(1),
  fillBytes: z.int().min(0).max(proofLimits.fillBytes).default(0),
  waitMs: z.int().min(0).max(proofLimits.waitMs).default(0),
})
export type ProofScript = z.output<typeof ProofScript>

export const proofMessage = (script: z.input<typeof ProofScript>): string => JSON.stringify(script)

/** null: this is no script. */
export function readProofScript(text: string): ProofScript | null {
  try {
    return ProofScript.parse(JSON.parse(text))
  } catch {
    return null
  }
}
