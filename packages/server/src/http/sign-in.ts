import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { cookieOptions } from '../auth/cookie-policy.ts'
import { readCookie } from '../auth/credentials.ts'
import { QuotaReachedError } from '../auth/quotas.ts'
import type { SignedIn, SignIn } from '../auth/sign-in.ts'
import { attemptMs } from '../auth/sign-in-attempt.ts'
import type { HttpDeps } from './deps.ts'
import { countSignIn, sourceOf } from './guard.ts'
import { plainPage } from './html.ts'

/** Answers and errors for people, who may have no script: pages, not problems. */
export function signInRoutes(app: FastifyInstance, deps: HttpDeps, signIn: SignIn): void {
  const { authenticator, cookies, logger, audit } = deps
  const page = (reply: FastifyReply, status: number, html: string): FastifyReply =>
    reply.status(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(html)
  const again = (reply: FastifyReply, status: number, text: string): FastifyReply =>
    page(
      reply,
      status,
      plainPage({ title: 'Not signed in', text, link: { text: 'Sign in again', href: '/auth/login' } }),
    )
  /** A provider that is away is nobody's fault here, and said in words. */
  const whenAway = async (reply: FastifyReply, work: () => Promise<FastifyReply>): Promise<FastifyReply> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof QuotaReachedError) {
        audit.quotaReached(error, sourceOf(reply.request, deps))
        return again(reply.header('retry-after', String(error.retryAfterSeconds)), 429, error.message)
      }
      if (!(error instanceof HoldfastError) || error.code !== 'not_ready') throw error
      logger.warn({ err: error }, 'sign-in: the provider does not answer')
      return again(reply.header('retry-after', '5'), 503, error.message)
    }
  }

  app.get<{ Querystring: { to?: unknown } }>('/login', async ({ query: { to } }, reply) =>
    page(
      reply,
      200,
      plainPage({
        title: 'Holdfast',
        text: `Sign in with ${signIn.provider} to go on.`,
        link: {
          text: 'Sign in',
          href: typeof to === 'string' ? `/auth/login?to=${encodeURIComponent(to)}` : '/auth/login',
        },
      }),
    ),
  )

  app.get<{ Querystring: { to?: unknown } }>('/auth/login', (request, reply) =>
    whenAway(reply, async () => {
      await countSignIn(request, deps)
      const { url, cookie } = await signIn.begin(attemptCookie(request), request.query.to)
      return reply
        .setCookie(cookies.attemptName, cookie, { ...cookieOptions(cookies), maxAge: attemptMs / 1000 })
        .header('cache-control', 'no-store')
        .redirect(url.href, 303)
    }),
  )

  app.get('/auth/callback', (request, reply) =>
    whenAway(reply, async () => {
      const source = await countSignIn(request, deps)
      const answer = new URL(request.url, 'http://here.invalid').searchParams
      const old = readCookie(request.headers.cookie, cookies.name)
      const outcome = await signIn.complete(attemptCookie(request), answer, old)
      if (outcome.kind === 'refused') {
        // Another tab of this browser was quicker, and took the attempt's cookie along.
        if (outcome.why === 'stale' && (await authenticator.authenticate({ bearer: null, cookie: old })))
          return reply.header('cache-control', 'no-store').redirect('/', 303)
        logger.warn({ why: outcome.why, detail: outcome.detail }, 'sign-in refused')
        await audit.note({ event: 'sign_in_refused', detail: { why: outcome.why } }, source)
        return again(reply, ...refusals[outcome.why])
      }
      const { id, secret, maxAgeSeconds } = outcome.session
      await audit.note({ event: 'signed_in', userId: outcome.userId, detail: { session: id } }, source)
      return reply
        .clearCookie(cookies.attemptName, cookieOptions(cookies))
        .setCookie(cookies.name, secret, { ...cookieOptions(cookies), maxAge: maxAgeSeconds })
        .header('cache-control', 'no-store')
        .redirect(outcome.returnTo, 303)
    }),
  )

  function attemptCookie(request: FastifyRequest): string | undefined {
    return readCookie(request.headers.cookie, cookies.attemptName) ?? undefined
  }
}

type Refusal = Extract<SignedIn, { kind: 'refused' }>['why']

const refusals: Readonly<Record<Refusal, readonly [status: number, text: string]>> = {
  stale: [
    400,
    'This sign-in was not begun in this browser, took longer than ten minutes, or is done already.',
  ],
  denied: [403, 'The identity provider did not let you in.'],
  code_refused: [400, 'The identity provider does not take this sign-in any more.'],
  answer_invalid: [401, 'The answer of the identity provider is not the one to this sign-in.'],
  disabled: [403, 'This user is disabled here. Ask whoever runs this server.'],
}
