import type { Server } from 'node:http'
import { Socket } from 'node:net'
import { limits, problem } from '@holdfast/protocol'
import fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from '../telemetry/logger.ts'
import { plainPage } from './html.ts'
import { createMethodTable } from './method-table.ts'
import { explain, sendProblem } from './problems.ts'

/** Of the sockets below HTTP: what somebody who is not known yet may take. */
const httpLimits = {
  /** How long `close` lets requests under way finish. */
  closeGraceMs: 1_000,
  /** A request whose head takes longer is cut off (slowloris). */
  headersMs: 10_000,
  /** A body of which nothing comes for so long is not waited for; a slow one may be as long as it likes. */
  bodyIdleMs: 30_000,
  /** How often heads are looked at. */
  checkMs: 2_000,
  /** Open sockets, WebSockets among them; further ones are closed as they come. */
  sockets: 12_000,
} as const

export type HttpLimits = { readonly [Name in keyof typeof httpLimits]: number }

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

/** A person's browser that was sent astray; whatever runs in a page asks for JSON. */
const wantsPage = (accept: string | undefined, method: string, path: string): boolean =>
  method === 'GET' && accept?.includes('text/html') === true && !path.startsWith('/v1/')

const nothingHere = plainPage({
  title: 'There is nothing here',
  text: 'The address is not one of this server. It may have been cut off where it was copied.',
  link: { text: 'Go to your questions', href: '/' },
})

/** A server without routes: what all of them have in common, whoever they are for. */
export function createBareServer(logger: Logger, given: Partial<HttpLimits> = {}): HttpServer {
  const bounds: HttpLimits = { ...httpLimits, ...given }
  const app = fastify({
    logger: false,
    bodyLimit: limits.jsonBodyBytes,
    forceCloseConnections: 'idle',
    http: { headersTimeout: bounds.headersMs, connectionsCheckingInterval: bounds.checkMs },
  })
  app.server.maxConnections = bounds.sockets
  const methods = createMethodTable()
  app.addHook('onRoute', methods.add)
  app.addHook('onRequest', async ({ raw }) => {
    // Requests that tests inject have no socket.
    if (raw.complete || raw.method === 'GET' || raw.method === 'HEAD' || !(raw.socket instanceof Socket))
      return
    // Node destroys a socket whose time is over where nobody listens for it.
    raw.socket.setTimeout(bounds.bodyIdleMs)
    raw.once('end', () => raw.socket.setTimeout(0))
  })
  app.setErrorHandler((error, request, reply) => {
    const explained = explain(error)
    if (explained.kind === 'bug')
      logger.error({ err: error, method: request.method, url: request.url }, 'request failed')
    const retryAfter = explained.kind === 'expected' ? explained.retryAfter : undefined
    return sendProblem(reply, explained.problem, retryAfter)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = methods.of(path)
    if (allowed.length === 0 && wantsPage(request.headers.accept, request.method, path))
      return reply.status(404).type('text/html; charset=utf-8').send(nothingHere)
    if (allowed.length === 0)
      return sendProblem(reply, problem('not_found', `There is nothing at ${path}; see /v1/contract`))
    reply.header('allow', allowed.join(', '))
    return sendProblem(reply, problem('method_not_allowed', `${path} answers to ${allowed.join(', ')}`))
  })

  return {
    app,
    get routes() {
      return methods.all()
    },
    server: app.server,
    listen: (options) => app.listen(options),
    async close() {
      const closed = app.close()
      const timer = setTimeout(() => app.server.closeAllConnections(), bounds.closeGraceMs)
      try {
        await closed
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
