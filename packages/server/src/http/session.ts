import { HoldfastError, type Session } from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { cookieOptions } from '../auth/cookie-policy.ts'
import type { HttpDeps } from './deps.ts'
import { admit, countSignIn, fromBrowser, guardOrigin, sourceOf } from './guard.ts'

const SignIn = z.object({ token: z.string().min(1).max(200) })

export function sessionRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { authenticator, sessions, links, cookies, audit } = deps
  const leave = (reply: FastifyReply): FastifyReply =>
    reply.status(204).clearCookie(cookies.name, cookieOptions(cookies)).send()

  app.get('/v1/session', async (request): Promise<Session> => {
    const { access } = await admit(request, deps)
    const { userId, kind } = access.principal
    const simulated = kind === 'simulated' ? await deps.simulation?.personaOf(userId) : null
    return {
      user: userId,
      kind,
      scopes: [...access.scopes],
      tier: deps.tier,
      ...(simulated == null ? {} : { simulated }),
    }
  })

  app.post('/v1/session', async (request, reply) => {
    // There is no cookie to abuse yet, but another site must not sign anybody in either.
    if (fromBrowser(request)) guardOrigin(request, deps)
    const source = await countSignIn(request, deps)
    const { token } = SignIn.parse(request.body)
    if (links === null)
      throw new HoldfastError('not_found', 'People sign in with their provider here: open /login')
    const opened = await links.exchange(token)
    const access =
      opened === null ? null : await authenticator.authenticate({ bearer: null, cookie: opened.secret })
    if (opened === null || access === null) {
      await audit.note({ event: 'sign_in_refused', detail: { why: 'link' } }, source)
      throw new HoldfastError(
        'unauthenticated',
        'This link was used already or is too old; take the newest one from the terminal of the server',
      )
    }
    const { userId, kind } = access.principal
    const session: Session = { user: userId, kind, scopes: [...access.scopes], tier: deps.tier }
    await audit.note({ event: 'signed_in', userId, proof: access.proof }, source)
    return reply
      .status(201)
      .setCookie(cookies.name, opened.secret, { ...cookieOptions(cookies), maxAge: opened.maxAgeSeconds })
      .send(session)
  })

  /** Signs out here. A program's token has no session to end, and stays. */
  app.delete('/v1/session', async (request, reply) => {
    const { access, credentials } = await admit(request, deps, 'read')
    if (credentials.bearer === null && credentials.cookie !== null) {
      await sessions.end(credentials.cookie)
      const { userId } = access.principal
      await audit.note({ event: 'signed_out', userId, proof: access.proof }, sourceOf(request, deps))
    }
    return leave(reply)
  })

  /** Signs out everywhere. Tokens stay: they are revoked one by one. */
  app.delete('/v1/sessions', async (request, reply) => {
    const { access } = await admit(request, deps, 'account')
    const { userId } = access.principal
    await sessions.endAll(userId)
    const entry = { event: 'signed_out_everywhere', userId, proof: access.proof } as const
    await audit.note(entry, sourceOf(request, deps))
    return leave(reply)
  })
}
