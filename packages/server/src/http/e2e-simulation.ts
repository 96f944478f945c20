import { HoldfastError } from '@holdfast/protocol'
import {
  e2eLimits,
  e2ePaths,
  type PurgedRun,
  personas,
  RunName,
  SimulatedSession,
  SimulatedSignIn,
} from '@holdfast/protocol/e2e'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditEvent, AuditSource } from '../auth/audit.ts'
import { cookieOptions } from '../auth/cookie-policy.ts'
import type { Simulation } from '../auth/e2e-simulation/simulation.ts'
import type { HttpDeps } from './deps.ts'
import { sourceOf } from './guard.ts'

/** Whatever was wrong with a proof, this is what is said. */
const refusal = 'This request is not signed as it has to be; see docs/e2e-simulation.md'

/** Where automated tests sign in and clean up. Only there where the simulation is switched on. */
export async function e2eSimulationRoutes(
  app: FastifyInstance,
  deps: HttpDeps,
  simulation: Simulation,
): Promise<void> {
  const { audit, users, sessions, cookies, account } = deps
  const note = (event: AuditEvent, source: AuditSource, detail: Record<string, string | number>) =>
    audit.note({ event, detail }, source)

  /** @throws {HoldfastError} unauthenticated, replayed; as Simulation.verify */
  async function prove(
    request: FastifyRequest,
  ): Promise<{ keyId: string; source: AuditSource; body: Buffer }> {
    const source = sourceOf(request, deps)
    const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0)
    const { method, url: path, headers } = request
    const verdict = await simulation.verify({ method, path, headers, body }, source.address ?? 'unknown')
    switch (verdict.kind) {
      case 'good':
        return { keyId: verdict.keyId, source, body }
      case 'refused':
        await note('simulated_session_refused', source, { why: 'proof' })
        throw new HoldfastError('unauthenticated', refusal)
      case 'replayed':
        await note('simulated_session_replayed', source, { key: verdict.keyId })
        throw new HoldfastError('replayed', 'This request was made before; sign a new one')
      default:
        return verdict satisfies never
    }
  }

  await app.register(async (scope) => {
    // The signature is over the bytes: nothing parses them before it is checked.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

    scope.post(e2ePaths.session, { bodyLimit: e2eLimits.bodyBytes }, async (request, reply) => {
      const { keyId, source, body } = await prove(request)
      const { run, mode, ...named } = SimulatedSignIn.parse(json(body))
      const persona = personas.find((known) => known === named.persona)
      const principal =
        persona === undefined
          ? null
          : await users.signIn(simulation.identityOf({ persona, run }), 'simulated')
      if (persona === undefined || principal === null) {
        const why = persona === undefined ? 'persona' : 'disabled'
        await note('simulated_session_refused', source, { why, key: keyId })
        throw new HoldfastError(
          'forbidden',
          persona === undefined
            ? `There is no such persona; there are ${personas.join(', ')}`
            : 'This persona is disabled in this run; name another run',
        )
      }
      const told = { user: principal.userId, kind: 'simulated', persona, run, role: 'member', mode } as const
      let session: SimulatedSession
      if (mode === 'token') {
        session = { ...told, ...(await simulation.issueToken(principal, { persona, run })) }
      } else {
        const opened = await sessions.open(principal.userId, e2eLimits.sessionSeconds * 1000)
        const options = { ...cookieOptions(cookies), maxAge: opened.maxAgeSeconds }
        reply.setCookie(cookies.name, opened.secret, options)
        const expiresAt = new Date(Date.now() + opened.maxAgeSeconds * 1000).toISOString()
        session = { ...told, token: null, expiresAt }
      }
      await audit.note(
        {
          event: 'simulated_session_created',
          userId: principal.userId,
          detail: { key: keyId, run, persona, mode },
        },
        source,
      )
      request.simulated = true
      return reply.status(201).send(SimulatedSession.parse(session))
    })

    scope.delete<{ Params: { run: string } }>(e2ePaths.run(':run'), async (request): Promise<PurgedRun> => {
      const { keyId, source } = await prove(request)
      const run = RunName.parse(request.params.run)
      const found = await simulation.usersOf(run)
      for (const principal of found) await account.remove(principal)
      await note('simulated_run_purged', source, { key: keyId, run, users: found.length })
      return { run, users: found.length }
    })
  })
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new HoldfastError('bad_request', 'The body is not JSON')
  }
}
