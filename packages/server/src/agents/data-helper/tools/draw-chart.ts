import type { Chart, NewEvent } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, jsonOf } from '../../../tools/define-tool.ts'
import { parseChartPlan } from '../charts/chart-plan.ts'
import { renderSvg } from '../charts/render-svg.ts'
import { vegaLiteSpec } from '../charts/vega-lite-spec.ts'
import { AnalysisOutput, type ChartsOutput } from '../tool-outputs.ts'
import { resultOf } from './result-of.ts'
import { loadQuery } from './store-query.ts'

export const drawChartTool = defineTool({
  name: 'draw_chart',
  description: 'Draws the charts that the analysis planned, as SVG beside their tables.',
  effect: 'idempotent',
  input: z.object({}),
  execute: async (_, context) => {
    const analysis = AnalysisOutput.parse(resultOf(context, 'run_analysis'))
    const charts: Chart[] = []
    const events: NewEvent[] = []
    for (const { query: queryId, plan } of analysis.plans) {
      const ref = analysis.queries.find(({ id }) => id === queryId)
      if (ref === undefined || ref.rows === 0) continue
      const query = await loadQuery(context, ref)
      const spec = vegaLiteSpec(parseChartPlan(plan), query.title, query)
      const svg = await renderSvg(spec, query.columns, query.rows)
      const info = await context.workspace.createArtifact(context.runId, {
        kind: 'chart',
        title: query.title,
        mediaType: 'image/svg+xml',
        content: svg,
      })
      charts.push({ id: queryId, title: query.title, query: queryId, spec, artifactId: info.id })
      events.push({
        type: 'artifact_created',
        data: { artifactId: info.id, kind: 'chart', title: query.title, bytes: info.bytes },
      })
    }
    const output: ChartsOutput = { charts }
    return {
      output: jsonOf(output),
      artifacts: charts.flatMap(({ artifactId }) => (artifactId === undefined ? [] : [artifactId])),
      events,
    }
  },
})
