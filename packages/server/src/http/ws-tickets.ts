import type { WsTicket } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { admit } from './guard.ts'

export function ticketRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/ws-tickets', async (request, reply) => {
    // A ticket is good for no more than what asks for it, and following is reading.
    const { access } = await admit(request, deps, 'read')
    const { ticket, expiresAt } = await deps.tickets.create(access, request.headers.origin ?? null)
    const made: WsTicket = { ticket, expiresAt: expiresAt.toISOString() }
    return reply.status(201).header('cache-control', 'no-store').send(made)
  })
}
