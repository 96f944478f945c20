import { HoldfastError } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, jsonOf, type ToolContext } from '../../../tools/define-tool.ts'
import type { SqlResult } from '../../../workspace/workspace.ts'
import { analyseTable } from '../analyse-table.ts'
import { analyseUsage } from '../analyse-usage.ts'
import { loadRenderer } from '../charts/render-svg.ts'
import type { Computed } from '../computed.ts'
import type { AnalysisOutput } from '../tool-outputs.ts'
import { judge } from './examine.ts'
import { storeQuery } from './store-query.ts'

export const runAnalysisTool = defineTool({
  name: 'run_analysis',
  description:
    "Runs a playbook's verified SQL on the files and returns its figures, each with the query cell it comes from. Refuses where check_sufficiency says insufficient or ambiguous.",
  // Repeated, it stores the same rows under new ids; nobody sees the first.
  effect: 'idempotent',
  input: z.object({ playbook: z.string() }),
  timeoutMs: 15 * 60_000,
  execute: async ({ playbook: id }, context) => {
    const judged = await judge(context, id)
    const { sufficiency } = judged.verdict
    if (sufficiency === 'insufficient' || sufficiency === 'ambiguous')
      throw new HoldfastError('bad_request', `The data is ${sufficiency} for ${id}; call request_data`)
    // Charts come next. Should it fail, it fails there too, and is told.
    loadRenderer().catch(() => undefined)
    const run = (job: Parameters<ToolContext['workspace']['runSql']>[0]): Promise<readonly SqlResult[]> =>
      context.workspace.runSql({ ...job, verified: true }, context.signal)
    const computed: Computed =
      judged.playbook.id === 'any_table' ? await analyseTable(judged, run) : await analyseUsage(judged, run)

    const { findings } = computed
    const stored = []
    for (const { result, title } of computed.queries)
      stored.push(await storeQuery(context, result, { title, verified: true }))
    const output: AnalysisOutput = {
      playbook: judged.playbook.id,
      title: computed.title,
      outcome: sufficiency === 'partial' || (findings.shortfalls ?? []).length > 0 ? 'partial' : 'answered',
      figures: [...findings.figures],
      paragraphs: [...findings.paragraphs],
      caveats: [...new Set([...findings.caveats, ...computed.caveats])],
      recommendations: [...(findings.recommendations ?? [])],
      followUp: findings.followUp ?? null,
      queries: stored.map(({ ref }) => ref),
      plans: computed.queries.flatMap(({ result, chart }) =>
        chart === null ? [] : [{ query: result.id, plan: { ...chart } }],
      ),
    }
    return {
      output: jsonOf(output),
      artifacts: stored.map(({ ref }) => ref.artifactId),
      events: stored.map(({ event }) => event),
    }
  },
})
