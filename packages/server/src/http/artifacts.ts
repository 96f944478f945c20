import { artifactId } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { authenticate } from './guard.ts'

/** Shown in place. Anything else is offered as a download: what users' data made is not ours to render. */
const shownInPlace = new Set(['image/svg+xml', 'image/png', 'application/json', 'text/csv', 'text/plain'])

/** Even opened by itself an artifact can run nothing, load nothing and reach none of our cookies. */
export const artifactPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

export function artifactRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get<{ Params: { id: string } }>('/v1/artifacts/:id', async (request, reply) => {
    const principal = await authenticate(request, deps)
    const { info, content } = await deps.workspace.artifact(principal, artifactId(request.params.id))
    return (
      reply
        .header('content-type', info.mediaType)
        .header('content-length', info.bytes)
        .header('content-disposition', disposition(info.title, info.mediaType))
        .header('content-security-policy', artifactPolicy)
        .header('x-content-type-options', 'nosniff')
        // An artifact is written once and never changed; it is still its owner's alone.
        .header('cache-control', 'private, max-age=31536000, immutable')
        .send(content)
    )
  })
}

const endings: Readonly<Record<string, string>> = {
  'image/svg+xml': '.svg',
  'image/png': '.png',
  'application/json': '.json',
  'text/csv': '.csv',
  'text/plain': '.txt',
  'text/markdown': '.md',
}

function disposition(title: string, mediaType: string): string {
  const type = mediaType.split(';')[0]?.trim() ?? ''
  const place = shownInPlace.has(type) ? 'inline' : 'attachment'
  return named(place, title, endings[type] ?? '')
}

/** As a download, whatever a browser could show. */
export const attachment = (title: string, ending: string): string => named('attachment', title, ending)

function named(place: 'inline' | 'attachment', title: string, ending: string): string {
  const name = `${title.replaceAll(/[^\p{L}\p{N} _-]+/gu, ' ').trim() || 'artifact'}${ending}`
  // RFC 6266: a plain name for everyone, the exact one in UTF-8 for those that read it.
  const plain = name.replaceAll(/[^\x20-\x7e]/g, '_')
  return `${place}; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`
}
