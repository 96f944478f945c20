import { contract } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'

/** As it is served: what a hash of it is a hash of. */
export const contractDocument = JSON.stringify(contract())

/** Open to everyone: it holds nothing of anybody, and a client reads it before it can sign in. */
export function contractRoutes(app: FastifyInstance): void {
  app.get('/v1/contract', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(contractDocument),
  )
}
