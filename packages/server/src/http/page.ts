import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { plainPage } from './html.ts'

/** Where the page keeps itself, as its addresses have it. */
const addresses = ['/', '/threads/:id', '/settings', '/operations'] as const

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.csv': 'text/csv; charset=utf-8',
}

interface PageFile {
  readonly content: Buffer
  readonly packed: Buffer | null
  readonly type: string
}

/** A built page: its files by their path below the directory, read once. */
async function readFiles(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = new Map<string, PageFile>()
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const packed = await readFile(`${path}.gz`).catch(() => null)
    files.set(relative(directory, path).split(sep).join('/'), { content: await readFile(path), packed, type })
  }
  return files
}

export interface PageOptions {
  /** Where the built page is (packages/web); null: there is none here. */
  readonly directory: string | null
  /** Local mode: signing in by the link that the server printed has a page of its own. */
  readonly byLink: boolean
}

/** Open to everyone: what a user may see, the page asks for under /v1. */
export async function pageRoutes(app: FastifyInstance, { directory, byLink }: PageOptions): Promise<void> {
  const files = directory === null ? new Map<string, PageFile>() : await readFiles(directory).catch(noFiles)
  const index = files.get('index.html')
  const login = files.get('login.html')
  for (const address of byLink ? [...addresses, '/login'] : addresses) {
    const file = address === '/login' ? login : index
    app.get(address, async (request, reply) =>
      file === undefined ? missing(reply) : send(request, reply, file, 'no-cache'),
    )
  }
  for (const [path, file] of files) {
    if (file.type === types['.html']) continue
    // The build puts a digest of the content into these names: another content has another name.
    const kept = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    app.get(`/page/${path}`, async (request, reply) => send(request, reply, file, kept))
  }
}

function send(request: FastifyRequest, reply: FastifyReply, file: PageFile, kept: string): FastifyReply {
  const packed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? file.packed : null
  if (packed !== null) reply.header('content-encoding', 'gzip')
  return reply
    .type(file.type)
    .header('cache-control', kept)
    .header('vary', 'accept-encoding')
    .send(packed ?? file.content)
}

const noFiles = (error: unknown): ReadonlyMap<string, PageFile> => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
  throw error
}

function missing(reply: FastifyReply): FastifyReply {
  const html = plainPage({
    title: 'The page is not built',
    text: 'This server answers programs, but its page is not here yet. Run “npm run build” where Holdfast is installed, and start it again; “npm start” does both.',
    link: { text: 'Try again', href: '/' },
  })
  return reply.status(503).type('text/html; charset=utf-8').send(html)
}
