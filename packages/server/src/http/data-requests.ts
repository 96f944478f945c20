import { type DataRequestList, HoldfastError, requestId, threadId } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { csvCell } from '../reports/report-csv.ts'
import type { HttpDeps } from './deps.ts'
import { download } from './exports.ts'
import { authenticate } from './guard.ts'

type ById = { Params: { id: string } }

const TemplateQuery = z.object({ request: z.string().optional() })

/** What a thread's runs asked for, and a file to fill with it. */
export function dataRequestRoutes(app: FastifyInstance, { dataRequests, ...deps }: HttpDeps): void {
  app.get<ById>('/v1/threads/:id/requests', async (request): Promise<DataRequestList> => {
    const principal = await authenticate(request, deps)
    return { items: [...(await dataRequests.list(principal, threadId(request.params.id)))] }
  })

  app.get<ById>('/v1/threads/:id/template', async (request, reply) => {
    const principal = await authenticate(request, deps)
    const all = await dataRequests.list(principal, threadId(request.params.id))
    const { request: wanted } = TemplateQuery.parse(request.query)
    const id = wanted === undefined ? null : requestId(wanted)
    const found = all.findLast((one) => one.template !== undefined && (id === null || one.id === id))
    if (found?.template === undefined)
      throw new HoldfastError('not_found', 'No such request of this thread has a template; see its requests')
    const columns = found.template
    const lines = [columns.map(({ name }) => csvCell(name)), columns.map(({ sample }) => csvCell(sample))]
    const text = lines.map((cells) => `${cells.join(',')}\r\n`).join('')
    return download(reply, `${found.playbook || 'data'} template`, '.csv', 'text/csv; charset=utf-8', text)
  })
}
