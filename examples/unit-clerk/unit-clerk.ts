// An agent and a tool of one's own. Start a server with it, from wherever this file lies:
//   HOLDFAST_AGENTS=./unit-clerk.ts npx holdfast serve
//   npx holdfast ask "How far is 26.2 miles in km?" --agent unit-clerk
import { defineAgent, defineTool, z } from '@holdfast/server'

const metres = { m: 1, km: 1_000, mile: 1_609.344, foot: 0.3048 }
const Unit = z.enum(['m', 'km', 'mile', 'foot'])

const convert = defineTool({
  name: 'convert_length',
  description: 'Converts a length from one unit to another, exactly.',
  // What a repeat would do: nothing. After a crash the call is simply made again.
  effect: 'pure',
  input: z.object({ value: z.number(), from: Unit, to: Unit }),
  execute: async ({ value, from, to }) => ({
    output: { value, from, to, result: (value * metres[from]) / metres[to] },
  }),
})

const unitClerk = defineAgent({
  name: 'unit-clerk',
  description: 'Converts lengths between metres, kilometres, miles and feet.',
  // For language models.
  instructions: 'You convert lengths. Use the tool; never reckon yourself.',
  tools: ['convert_length'],
  // For the built-in rules, which answer where no language model is set: what was found so far decides the next step.
  offlineRules: (results, { text }) => {
    const done = results.at(-1)
    if (done !== undefined) {
      const { value, from, to, result } = done.output as Record<string, string | number>
      return { kind: 'say', text: `${value} ${from} is ${Number(result).toFixed(3)} ${to}.` }
    }
    const [, value, from, to] =
      /([\d.]+) ?(m|km|mile|foot)s?\b.*\b(?:in|to) (m|km|mile|foot)/.exec(text) ?? []
    if (value === undefined) return { kind: 'say', text: 'Ask me, for example: How far is 26.2 miles in km?' }
    return {
      kind: 'call',
      tool: 'convert_length',
      input: { value: Number(value), from, to },
      thinking: 'Converting.',
    }
  },
})

export const agents = [unitClerk]
export const tools = [convert]
