import type { Operations } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { admit } from './guard.ts'

export function operationsRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get('/v1/operations', async (request): Promise<Operations> => {
    await admit(request, deps, 'admin')
    return deps.operations()
  })
}
