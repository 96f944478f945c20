import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import { nodeHeader } from '@holdfast/protocol'
import { QuotaReachedError } from '../auth/quotas.ts'
import { accountRoutes } from './account.ts'
import { agentRoutes } from './agents.ts'
import { artifactRoutes } from './artifacts.ts'
import { createBareServer, type HttpServer } from './bare-server.ts'
import { contractRoutes } from './contract.ts'
import { dataRequestRoutes } from './data-requests.ts'
import type { HttpDeps } from './deps.ts'
import { exportRoutes } from './exports.ts'
import { fileRoutes } from './files.ts'
import { guardHost, simulatedHeader, sourceOf } from './guard.ts'
import { healthRoutes } from './health.ts'
import { operationsRoutes } from './operations.ts'
import { pageRoutes } from './page.ts'
import { runRoutes } from './runs.ts'
import { sessionRoutes } from './session.ts'
import { signInRoutes } from './sign-in.ts'
import { threadRoutes } from './threads.ts'
import { tokenRoutes } from './tokens.ts'
import { ticketRoutes } from './ws-tickets.ts'

/** Everything under /v1, the health routes and the page. */
export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
  const server = createBareServer(deps.logger, deps.httpLimits)
  const { app } = server
  app.addHook('onRequest', async (request, reply) => {
    // Unless a route knows better, an answer is for whoever asked and is kept by nobody on the way.
    reply.header('cache-control', 'no-store')
    reply.header(nodeHeader, deps.node)
    guardHost(request, deps)
  })

  app.addHook('onError', async (request, _reply, error) => {
    if (error instanceof QuotaReachedError) deps.audit.quotaReached(error, sourceOf(request, deps))
  })
  app.decorateRequest('simulated', false)
  app.addHook('onSend', async (request, reply) => {
    if (request.simulated) reply.header(simulatedHeader, '1')
  })

  await app.register(helmet, { contentSecurityPolicy: { useDefaults: false, directives: pagePolicy } })
  await app.register(cookie)
  // One file a request. Its size is the workspace's to limit: it counts as it writes.
  await app.register(multipart, {
    limits: { files: 1, fields: 10, fileSize: Number.POSITIVE_INFINITY },
    throwFileSizeLimit: false,
  })

  for (const routes of [threadRoutes, runRoutes, fileRoutes, artifactRoutes]) routes(app, deps)
  for (const routes of [sessionRoutes, tokenRoutes, ticketRoutes, accountRoutes]) routes(app, deps)
  for (const routes of [agentRoutes, contractRoutes, healthRoutes, operationsRoutes]) routes(app, deps)
  for (const routes of [exportRoutes, dataRequestRoutes]) routes(app, deps)
  if (deps.signIn !== null) signInRoutes(app, deps, deps.signIn)
  await deps.simulation?.routes(app, deps)
  await pageRoutes(app, { directory: deps.pageDirectory, byLink: deps.signIn === null })

  return server
}

/** Our own scripts, styles and pictures, and our own socket; nothing inline, nothing from elsewhere. */
const pagePolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}
