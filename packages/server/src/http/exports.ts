import { artifactId, HoldfastError, Report } from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../principal.ts'
import { queryCsv } from '../reports/report-csv.ts'
import { reportHtml } from '../reports/report-html.ts'
import { reportMarkdown } from '../reports/report-markdown.ts'
import { artifactPolicy, attachment } from './artifacts.ts'
import type { HttpDeps } from './deps.ts'
import { authenticate } from './guard.ts'

const ExportQuery = z.object({
  format: z.enum(['html', 'md', 'csv']),
  /** Of CSV: which query; the first where it is left out. */
  query: z.string().max(200).optional(),
})

/** A report that is larger was not made by our tools: they keep what they store far below. */
const reportBytes = 64 * 1024 * 1024

/** A report as a file that can be handed on. Always a download: it is made of users' data. */
export function exportRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get<{ Params: { id: string } }>('/v1/artifacts/:id/export', async (request, reply) => {
    const principal = await authenticate(request, deps)
    // First whose it is: to others it is not there, whatever they ask of it.
    const { info, content } = await deps.workspace.artifact(principal, artifactId(request.params.id))
    if (info.kind !== 'report' || info.bytes > reportBytes) {
      content.destroy()
      throw new HoldfastError(
        'bad_request',
        `Artifact ${info.id} is a ${info.kind}; only a report can be exported`,
      )
    }
    const report = Report.parse(JSON.parse(await textOf(content)))
    const { format, query: wanted } = ExportQuery.parse(request.query)
    switch (format) {
      case 'csv': {
        const query =
          wanted === undefined ? report.queries[0] : report.queries.find(({ id }) => id === wanted)
        if (query === undefined)
          throw new HoldfastError(
            'not_found',
            `The report has no query ${JSON.stringify(wanted ?? '')}; it has ${report.queries.map(({ id }) => id).join(', ') || 'none'}`,
          )
        return download(
          reply,
          `${report.title} ${query.id}`,
          '.csv',
          'text/csv; charset=utf-8',
          queryCsv(query),
        )
      }
      case 'md': {
        const text = reportMarkdown({ report, svgs: new Map(), createdAt: info.createdAt })
        return download(reply, report.title, '.md', 'text/markdown; charset=utf-8', text)
      }
      case 'html': {
        const svgs = await chartsOf(principal, report, deps)
        const text = reportHtml({ report, svgs, createdAt: info.createdAt })
        return download(reply, report.title, '.html', 'text/html; charset=utf-8', text)
      }
      default:
        return format satisfies never
    }
  })
}

/** A chart that has gone leaves its place empty; its table is in the report. */
async function chartsOf(
  principal: Principal,
  { charts }: Report,
  { workspace }: HttpDeps,
): Promise<ReadonlyMap<string, string>> {
  const svgs = new Map<string, string>()
  for (const { id, artifactId: artifact } of charts) {
    if (artifact === undefined) continue
    try {
      const { content } = await workspace.artifact(principal, artifact)
      svgs.set(id, await textOf(content))
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'not_found') throw error
    }
  }
  return svgs
}

async function textOf(content: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

export function download(
  reply: FastifyReply,
  title: string,
  ending: string,
  type: string,
  text: string,
): FastifyReply {
  return reply
    .header('content-type', type)
    .header('content-disposition', attachment(title, ending))
    .header('content-security-policy', artifactPolicy)
    .header('x-content-type-options', 'nosniff')
    .send(text)
}
