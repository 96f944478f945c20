import { HoldfastError, limits, runId, SubmitRun, threadId } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { authenticate } from './guard.ts'

type ById = { Params: { id: string } }

export function runRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { runs, quotas } = deps

  app.post<ById>('/v1/threads/:id/runs', async (request, reply) => {
    const principal = await authenticate(request, deps)
    const thread = threadId(request.params.id)
    const key = idempotencyKey(request)
    const submitted = SubmitRun.parse(request.body)
    await quotas.take(principal.userId, { messages: 1, tokens: 0, tool_seconds: 0 })
    const { run } = await runs.submit(principal, thread, submitted, key)
    // A retry under the same key gets the same answer as the first call, whatever became of the run since.
    return reply.status(202).header('location', `/v1/runs/${run.id}`).send(run)
  })

  app.get<ById>('/v1/runs/:id', async (request) => {
    const principal = await authenticate(request, deps)
    return runs.get(principal, runId(request.params.id))
  })

  app.post<ById>('/v1/runs/:id/cancel', async (request, reply) => {
    const principal = await authenticate(request, deps)
    return reply.status(202).send(await runs.cancel(principal, runId(request.params.id)))
  })
}

function idempotencyKey(request: FastifyRequest): string | null {
  const value = request.headers['idempotency-key']
  if (value === undefined) return null
  // Printable ASCII, so that a key reads the same in a header, a log and a row.
  if (
    typeof value !== 'string' ||
    !/^[\x21-\x7e]+$/.test(value) ||
    value.length > limits.idempotencyKeyLength
  )
    throw new HoldfastError(
      'bad_request',
      `Idempotency-Key is 1 to ${limits.idempotencyKeyLength} printable ASCII characters without spaces`,
    )
  return value
}
