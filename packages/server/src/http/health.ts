import { problem } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { sendProblem } from './problems.ts'

export type HealthDeps = Pick<HttpDeps, 'dependencies' | 'version' | 'logger'>

export function healthRoutes(app: FastifyInstance, deps: HealthDeps): void {
  /** The process answers. Asks nothing else: a database that is away is no reason to kill us. */
  app.get('/health/live', async () => ({ status: 'live' }))

  app.get('/health/ready', async (_request, reply) => {
    const dependencies = await deps.dependencies()
    const missing = dependencies.filter(({ ready }) => !ready).map(({ name }) => name)
    if (missing.length > 0)
      return sendProblem(reply, problem('not_ready', `Not available now: ${missing.join(', ')}`))
    return { status: 'ready', dependencies: dependencies.map(({ name }) => name) }
  })

  app.get('/version', async () => deps.version)
}
