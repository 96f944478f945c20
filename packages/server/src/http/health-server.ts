import { createBareServer, type HttpServer } from './bare-server.ts'
import { type HealthDeps, healthRoutes } from './health.ts'

/**
 * What a server that nobody signs in to answers: whether it lives, is ready, and which version it is. It holds nothing of
 * anybody, so whoever runs it may ask by whatever name reaches it.
 */
export function createHealthServer(deps: HealthDeps): HttpServer {
  const server = createBareServer(deps.logger)
  healthRoutes(server.app, deps)
  return server
}
