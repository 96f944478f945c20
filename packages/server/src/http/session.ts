import { HoldfastError, type Session } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { readCredentials } from '../auth/credentials.ts'
import type { HttpDeps } from './deps.ts'
import { authenticate, fromBrowser, guardOrigin } from './guard.ts'

const SignIn = z.object({ token: z.string().min(1).max(200) })

export function sessionRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { authenticator, sessions } = deps

  app.get('/v1/session', async (request): Promise<Session> => {
    const { userId, kind } = await authenticate(request, deps)
    return { user: userId, kind }
  })

  app.post('/v1/session', async (request, reply) => {
    // There is no cookie to abuse yet, but another site must not sign anybody in either.
    if (fromBrowser(request)) guardOrigin(request, deps)
    const { token } = SignIn.parse(request.body)
    const cookie = await sessions.exchange(token)
    const principal = cookie === null ? null : await authenticator.authenticate({ bearer: null, cookie })
    if (cookie === null || principal === null)
      throw new HoldfastError(
        'unauthenticated',
        'This link was used already or is too old; take the newest one from the terminal of the server',
      )
    const session: Session = { user: principal.userId, kind: principal.kind }
    return reply
      .status(201)
      .setCookie(authenticator.cookieName, cookie, { ...cookieOptions, maxAge: sessions.cookieMaxAgeSeconds })
      .send(session)
  })

  app.delete('/v1/session', async (request, reply) => {
    await authenticate(request, deps)
    const { cookie } = readCredentials(request.headers, authenticator.cookieName)
    if (cookie !== null) await sessions.end(cookie)
    return reply.status(204).clearCookie(authenticator.cookieName, cookieOptions).send()
  })
}

// Not Secure: local mode speaks http on loopback. Never readable by a script, never sent by another site's form.
const cookieOptions = { path: '/', httpOnly: true, sameSite: 'lax' } as const
