import { z } from 'zod'

export const Sufficiency = z.enum(['sufficient', 'partial', 'insufficient', 'ambiguous'])
export type Sufficiency = z.infer<typeof Sufficiency>

/** How one provider's export yields a field. */
export const HowTo = z.object({ provider: z.string(), steps: z.string() })

/** One thing that is missing: exactly what, why, in what shape, where to get it, and what it unlocks. */
export const DataRequestItem = z.object({
  field: z.string().describe('semantic field, e.g. latency_ms'),
  why: z.string(),
  format: z.string(),
  sample: z.string().describe('one sample value or row'),
  howTo: z.array(HowTo),
  unlocks: z.string(),
})
export type DataRequestItem = z.infer<typeof DataRequestItem>

/** A column of a file that would do: its name is one that is understood, its sample is one value. */
export const TemplateColumn = z.object({ name: z.string(), sample: z.string() })
export type TemplateColumn = z.infer<typeof TemplateColumn>

/** One question with choices; asked when the data leaves two readings level. */
export const Question = z.object({
  id: z.string().describe('what is decided, e.g. unit:duration; the same question keeps its id'),
  text: z.string(),
  choices: z.array(z.object({ value: z.string(), label: z.string() })).min(2),
})
export type Question = z.infer<typeof Question>
