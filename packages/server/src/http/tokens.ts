import {
  CreatedToken,
  CreateToken,
  HoldfastError,
  TokenInfo,
  type TokenList,
  type TokenInfo as Told,
  tokenId,
} from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { TokenInfo as Kept } from '../auth/tokens.ts'
import type { HttpDeps } from './deps.ts'
import { admit, sourceOf } from './guard.ts'

type ById = { Params: { id: string } }

export function tokenRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { tokens, audit } = deps

  app.get('/v1/tokens', async (request): Promise<TokenList> => {
    const { access } = await admit(request, deps, 'account')
    return { items: (await tokens.list(access.principal)).map(told) }
  })

  app.post('/v1/tokens', async (request, reply) => {
    const { access } = await admit(request, deps, 'account')
    if (access.principal.kind === 'simulated')
      throw new HoldfastError('forbidden', 'A simulated user has no tokens; ask for a simulated one')
    const { name, scopes, days } = CreateToken.parse(request.body)
    // Whoever may write may read what was written.
    const all = [...new Set(['read' as const, ...scopes])]
    const { info, text } = await tokens.create(access.principal, { name, scopes: all, days })
    await audit.note(
      {
        event: 'token_created',
        userId: access.principal.userId,
        proof: access.proof,
        detail: { token: info.id, scopes: all.join(' '), days },
      },
      sourceOf(request, deps),
    )
    return reply
      .status(201)
      .header('cache-control', 'no-store')
      .send(CreatedToken.parse({ ...told(info), token: text }))
  })

  app.delete<ById>('/v1/tokens/:id', async (request, reply) => {
    const { access } = await admit(request, deps, 'account')
    const id = tokenId(request.params.id)
    await tokens.revoke(access.principal, id)
    const { userId } = access.principal
    const entry = { event: 'token_revoked', userId, proof: access.proof, detail: { token: id } } as const
    await audit.note(entry, sourceOf(request, deps))
    return reply.status(204).send()
  })
}

function told({ createdAt, expiresAt, usedAt, ...rest }: Kept): Told {
  return TokenInfo.parse({
    ...rest,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    usedAt: usedAt?.toISOString() ?? null,
  })
}
