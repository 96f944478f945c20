import type { Server } from 'node:http'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import { limits, problem } from '@holdfast/protocol'
import fastify, { type FastifyInstance } from 'fastify'
import { agentRoutes } from './agents.ts'
import { artifactRoutes } from './artifacts.ts'
import { contractRoutes } from './contract.ts'
import type { HttpDeps } from './deps.ts'
import { fileRoutes } from './files.ts'
import { guardHost } from './guard.ts'
import { healthRoutes } from './health.ts'
import { createMethodTable } from './method-table.ts'
import { pageRoutes } from './page.ts'
import { explain, sendProblem } from './problems.ts'
import { runRoutes } from './runs.ts'
import { sessionRoutes } from './session.ts'
import { signInRoutes } from './sign-in.ts'
import { threadRoutes } from './threads.ts'
import { tokenRoutes } from './tokens.ts'
import { ticketRoutes } from './ws-tickets.ts'

/** Of the sockets below HTTP: what somebody who is not known yet may take. */
const httpLimits = {
  /** How long `close` lets requests under way finish. */
  closeGraceMs: 1_000,
  /** A request whose head takes longer is cut off (slowloris). */
  headersMs: 10_000,
  /** How often that is looked at. */
  checkMs: 2_000,
  /** Open sockets, WebSockets among them; further ones are closed as they come. */
  sockets: 12_000,
} as const

export interface HttpServer {
  /** For `upgrade`, and for whoever needs the address. */
  readonly server: Server
  /** For tests that need no socket. */
  readonly app: FastifyInstance
  /** `GET /v1/threads`, …: so that a test can tell that none was forgotten. */
  readonly routes: readonly string[]
  /** Resolves with the address, `http://127.0.0.1:8080`. */
  listen(options: { readonly host: string; readonly port: number }): Promise<string>
  /** No new requests; those under way have httpLimits.closeGraceMs. Upgraded sockets are realtime's to close. Safe twice. */
  close(): Promise<void>
}

/** Everything under /v1, the health routes and the page. */
export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
  const app = fastify({
    logger: false,
    bodyLimit: limits.jsonBodyBytes,
    forceCloseConnections: 'idle',
    http: { headersTimeout: httpLimits.headersMs, connectionsCheckingInterval: httpLimits.checkMs },
  })
  app.server.maxConnections = httpLimits.sockets
  const methods = createMethodTable()
  app.addHook('onRoute', methods.add)
  app.addHook('onRequest', async (request) => guardHost(request, deps))

  app.setErrorHandler((error, request, reply) => {
    const explained = explain(error)
    if (explained.kind === 'bug')
      deps.logger.error({ err: error, method: request.method, url: request.url }, 'request failed')
    const retryAfter = explained.kind === 'expected' ? explained.retryAfter : undefined
    return sendProblem(reply, explained.problem, retryAfter)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = methods.of(path)
    if (allowed.length === 0)
      return sendProblem(reply, problem('not_found', `There is nothing at ${path}; see /v1/contract`))
    reply.header('allow', allowed.join(', '))
    return sendProblem(reply, problem('method_not_allowed', `${path} answers to ${allowed.join(', ')}`))
  })

  await app.register(helmet, { contentSecurityPolicy: { useDefaults: false, directives: pagePolicy } })
  await app.register(cookie)
  // One file a request. Its size is the workspace's to limit: it counts as it writes.
  await app.register(multipart, {
    limits: { files: 1, fields: 10, fileSize: Number.POSITIVE_INFINITY },
    throwFileSizeLimit: false,
  })

  for (const routes of [threadRoutes, runRoutes, fileRoutes, artifactRoutes]) routes(app, deps)
  for (const routes of [sessionRoutes, tokenRoutes, ticketRoutes]) routes(app, deps)
  for (const routes of [agentRoutes, contractRoutes, healthRoutes]) routes(app, deps)
  if (deps.signIn !== null) signInRoutes(app, deps, deps.signIn)
  await pageRoutes(app, deps.signIn === null)

  return {
    app,
    routes: methods.all(),
    server: app.server,
    listen: (options) => app.listen(options),
    async close() {
      const closed = app.close()
      const timer = setTimeout(() => app.server.closeAllConnections(), httpLimits.closeGraceMs)
      try {
        await closed
      } finally {
        clearTimeout(timer)
      }
    },
  }
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
