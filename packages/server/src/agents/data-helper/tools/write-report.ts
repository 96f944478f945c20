import type { NewEvent, Question, Report } from '@holdfast/protocol'
import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { z } from 'zod'
import { defineTool, type ToolContext } from '../../../tools/define-tool.ts'
import { backingOf, markUnbacked, unbackedMark } from '../backed-figures.ts'
import { requestItems } from '../data-request.ts'
import { formatFigure } from '../format-figure.ts'
import { buildReport } from '../report.ts'
import { looksAt } from '../report-scope.ts'
import { templateOf } from '../request-template.ts'
import { questionText } from '../request-text.ts'
import { AnalysisOutput, ChartsOutput, type QueryRef, SettledOutput } from '../tool-outputs.ts'
import { judge } from './examine.ts'
import { QueryOutput } from './query.ts'
import { loadQuery } from './store-query.ts'

const makeId = systemIdMaker()
const wordedChars = 20_000

export const writeReportTool = defineTool({
  name: 'write_report',
  description:
    'Ends the run with the answer: the findings in words, every figure tied to a query cell, tables, charts and caveats.',
  effect: 'idempotent',
  input: z.object({
    text: z
      .string()
      .max(wordedChars)
      .optional()
      .describe(
        'The answer in your words, as Markdown; cite figures as [fig:id]. Figures that no cell backs are marked. Default: the verified wording.',
      ),
  }),
  conclude: (output) => SettledOutput.parse(output),
  execute: async ({ text: ownWords }, context) => {
    const analysis = latest(context, 'run_analysis', AnalysisOutput)
    const adHoc = context.results
      .filter(({ tool, ok }) => tool === 'query' && ok)
      .map(({ output }) => QueryOutput.parse(output).ref)
    if (analysis === null && adHoc.length === 0)
      throw new HoldfastError(
        'bad_request',
        'There is nothing to report yet; call run_analysis or query first',
      )
    const verified =
      analysis === null ? await reportOfSql(context, adHoc) : await reportOf(context, analysis, adHoc)
    const worded = ownWords === undefined ? verified : reworded(verified, ownWords, context.message.text)
    const report: Report = { ...worded, ...(await looksAt(context, worded)) }
    const info = await context.workspace.createArtifact(context.runId, {
      kind: 'report',
      title: report.title,
      mediaType: 'application/json',
      content: JSON.stringify(report),
    })
    const events: NewEvent[] = [
      {
        type: 'artifact_created',
        data: { artifactId: info.id, kind: 'report', title: report.title, bytes: info.bytes },
      },
      ...(await openEnds(context, report, analysis?.followUp ?? null)),
    ]
    const text = analysis?.followUp ? `${report.text}\n\n${questionText(analysis.followUp)}` : report.text
    const output: SettledOutput = { outcome: report.outcome, summary: report.title, text }
    return { output, artifacts: [info.id], events }
  },
})

async function reportOf(
  context: ToolContext,
  analysis: AnalysisOutput,
  adHoc: readonly QueryRef[],
): Promise<Report> {
  const refs = [...analysis.queries, ...adHoc]
  return buildReport(
    {
      title: analysis.title,
      playbook: analysis.playbook,
      outcome: analysis.outcome,
      figures: analysis.figures,
      paragraphs: analysis.paragraphs,
      caveats: analysis.caveats,
      queries: await Promise.all(refs.map((ref) => loadQuery(context, ref))),
      charts: latest(context, 'draw_chart', ChartsOutput)?.charts ?? [],
      recommendations: analysis.recommendations,
    },
    formatFigure,
  )
}

async function reportOfSql(context: ToolContext, refs: readonly QueryRef[]): Promise<Report> {
  const queries = await Promise.all(refs.map((ref) => loadQuery(context, ref)))
  const rows = queries.reduce((sum, query) => sum + query.rows.length, 0)
  return buildReport(
    {
      title: 'Ad-hoc SQL',
      playbook: 'sql',
      outcome: 'answered',
      figures: [],
      paragraphs: [
        `The query returned ${rows === 1 ? '1 row' : `${rows} rows`}. It is ad-hoc SQL, unverified.`,
      ],
      caveats: queries.some(({ truncated }) => truncated) ? ['More rows exist than were kept.'] : [],
      queries,
      charts: [],
    },
    formatFigure,
  )
}

/** The same report in the words of a model: what they cite is there, and what nothing backs is marked. */
function reworded(report: Report, text: string, question: string): Report {
  const known = new Set(report.figures.map(({ id }) => id))
  const cited = text.replaceAll(/\[fig:([^\]]+)\]/g, (mark, id: string) => (known.has(id) ? mark : ''))
  const cells = report.queries.flatMap(({ rows }) => rows.flat())
  const marked = markUnbacked(
    cited,
    backingOf([...cells, ...report.figures.map(({ value }) => value)], question),
  )
  const caveats = marked.includes(unbackedMark)
    ? [...report.caveats, `Figures marked${unbackedMark} stand in no cell of these queries.`]
    : report.caveats
  return {
    ...report,
    text: marked,
    caveats: ['The wording is a language model’s; the queries are not.', ...caveats],
  }
}

/**
 * What an answer leaves open, as a request the thread can act on: what would give the rest of a partial one, and what
 * only the user can decide.
 */
async function openEnds(
  context: ToolContext,
  report: Report,
  followUp: Question | null,
): Promise<NewEvent[]> {
  if (report.outcome !== 'partial' && followUp === null) return []
  const { playbook, verdict } = await judge(context, report.playbook)
  const items = [...requestItems(playbook, verdict)]
  if (items.length === 0 && followUp === null) return []
  return [
    {
      type: 'data_requested',
      data: {
        requestId: makeId('request'),
        playbook: playbook.id,
        sufficiency: verdict.sufficiency,
        items,
        ...(followUp === null ? {} : { question: followUp }),
        ...(items.length === 0 ? {} : { template: templateOf(playbook, verdict, items) }),
      },
    },
  ]
}

function latest<Output>(context: ToolContext, tool: string, schema: z.ZodType<Output>): Output | null {
  const result = context.results.findLast((candidate) => candidate.tool === tool && candidate.ok)
  return result === undefined ? null : schema.parse(result.output)
}
