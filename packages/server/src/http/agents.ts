import type { AgentList } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { authenticate } from './guard.ts'

export function agentRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get('/v1/agents', async (request): Promise<AgentList> => {
    const principal = await authenticate(request, deps)
    return { items: deps.agentsOf(principal) }
  })
}
