import { z } from 'zod'
import { defineTool } from '../../../tools/define-tool.ts'
import type { MapOutput } from '../tool-outputs.ts'
import { examine } from './examine.ts'

export const mapColumnsTool = defineTool({
  name: 'map_columns',
  description:
    'Which column of each file means what (time, model, tokens, cost, latency …), with confidence and evidence.',
  effect: 'pure',
  input: z.object({}),
  execute: async (_, context) => {
    const { mappings } = await examine(context)
    const output: MapOutput = {
      files: mappings.map((mapping) => ({
        file: mapping.fileName,
        format: mapping.format,
        grain: mapping.grain,
        fields: Object.values(mapping.fields).map((field) => ({
          field: field.field,
          columns: [...field.columns],
          confidence: field.confidence,
          evidence: field.evidence,
        })),
        notes: [...mapping.notes],
      })),
    }
    return { output }
  },
})
