import { contract } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'

/** Open to everyone: it holds nothing of anybody, and a client reads it before it can sign in. */
export function contractRoutes(app: FastifyInstance): void {
  const document = JSON.stringify(contract())
  app.get('/v1/contract', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(document),
  )
}
