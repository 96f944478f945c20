import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

/** The whole page: a few files that stand beside this one, read once. */
const files = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
  { path: '/page/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
  { path: '/page/login.js', file: 'login.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/app.js', file: 'app.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/api.js', file: 'api.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/view.js', file: 'view.js', type: 'text/javascript; charset=utf-8' },
] as const

/** Of local mode: it posts the token of a link, which stands in the address's fragment and needs a script to be read. */
const linkPage = { path: '/login', file: 'login.html', type: 'text/html; charset=utf-8' } as const

/** Open to everyone: what a user may see, the page asks for under /v1. */
export async function pageRoutes(app: FastifyInstance, byLink: boolean): Promise<void> {
  for (const { path, file, type } of byLink ? [...files, linkPage] : files) {
    const content = await readFile(new URL(`page/${file}`, import.meta.url))
    app.get(path, async (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(content),
    )
  }
}
