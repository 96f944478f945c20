import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { cookieOptions } from '../auth/cookie-policy.ts'
import type { HttpDeps } from './deps.ts'
import { admit, sourceOf } from './guard.ts'

export function accountRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { account, audit, cookies } = deps

  /** All that is kept of the user, a JSON object a line; files and artifacts by their ids, as they are served. */
  app.get('/v1/account/export', async (request, reply) => {
    const { access } = await admit(request, deps, 'account')
    const { principal, proof } = access
    await audit.note({ event: 'data_exported', userId: principal.userId, proof }, sourceOf(request, deps))
    return reply
      .type('application/x-ndjson; charset=utf-8')
      .header('content-disposition', 'attachment; filename="holdfast-export.ndjson"')
      .send(Readable.from(lines(account.export(principal))))
  })

  app.delete('/v1/account', async (request, reply) => {
    const { access } = await admit(request, deps, 'account')
    const { principal, proof } = access
    await account.remove(principal)
    await audit.note({ event: 'data_deleted', userId: principal.userId, proof }, sourceOf(request, deps))
    return reply.status(204).clearCookie(cookies.name, cookieOptions(cookies)).send()
  })
}

async function* lines(values: AsyncIterable<object>): AsyncGenerator<string, void, undefined> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}
