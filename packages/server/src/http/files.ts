import type { Readable } from 'node:stream'
import {
  type FileInfo,
  type FileProfileInfo,
  type FileRows,
  fileId,
  HoldfastError,
  limits,
  type ThreadId,
  threadId,
} from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../principal.ts'
import type { HttpDeps } from './deps.ts'
import { authenticate } from './guard.ts'

/** After a refusal, how long the rest of the upload is read and thrown away before the connection is cut. */
const discardMs = 10_000

const RowsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(limits.fileRowsPageItems).default(50),
})

type ById = { Params: { id: string } }

export function fileRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { workspace, quotas } = deps

  app.post<ById>('/v1/threads/:id/files', async (request, reply) => {
    // Refusals before the body is read discard it too: a client that still writes would not see the answer.
    try {
      const principal = await authenticate(request, deps)
      const info = await receive(principal, threadId(request.params.id), request, reply)
      return await reply.status(201).header('location', `/v1/files/${info.id}`).send(info)
    } catch (error) {
      discardRest(request.raw)
      throw error
    }
  })

  async function receive(
    principal: Principal,
    thread: ThreadId,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FileInfo> {
    const announcedBytes = Number(request.headers['content-length'] ?? 0)
    await quotas.take(principal.userId, { upload_bytes: announcedBytes })
    let keptBytes = 0
    try {
      const info = await store(principal, thread, request, reply)
      keptBytes = info.bytes
      return info
    } finally {
      // What the request said of its size was taken; what there is of it stays taken.
      await quotas.spend(principal.userId, { upload_bytes: keptBytes - announcedBytes })
    }
  }

  async function store(
    principal: Principal,
    thread: ThreadId,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FileInfo> {
    if (!request.isMultipart())
      throw new HoldfastError('unsupported_media_type', 'Send the file as multipart/form-data, field "file"')
    const part = await request.file()
    if (part === undefined || part.filename === undefined)
      throw new HoldfastError('bad_request', 'The form holds no file; send one in the field "file"')
    const gone = new AbortController()
    const onClose = (): void => {
      if (!request.raw.complete) gone.abort(clientWentAway())
    }
    reply.raw.on('close', onClose)
    try {
      const upload = { name: part.filename, content: part.file }
      return await workspace.upload(principal, thread, upload, gone.signal)
    } catch (error) {
      // Whoever notices first, the parser or the signal: a client that left is nobody's fault here.
      if (request.raw.destroyed && !request.raw.complete) throw clientWentAway(error)
      throw error
    } finally {
      reply.raw.off('close', onClose)
      // The parser waits for its file to be read to the end, wanted or not.
      part.file.resume()
    }
  }

  app.get<ById>('/v1/threads/:id/files', async (request) => {
    const principal = await authenticate(request, deps)
    return { items: await workspace.files(principal, threadId(request.params.id)) }
  })

  app.get<ById>('/v1/files/:id', async (request) => {
    const principal = await authenticate(request, deps)
    return workspace.file(principal, fileId(request.params.id))
  })

  /** What it holds; the first time that reads it, in a process of its own. */
  app.get<ById>('/v1/files/:id/profile', async (request, reply): Promise<FileProfileInfo> => {
    const principal = await authenticate(request, deps)
    const { id, threadId: thread } = await workspace.file(principal, fileId(request.params.id))
    return deps.describeFile(await workspace.thread(principal, thread).profile(id, whileAsked(reply)))
  })

  app.get<ById>('/v1/files/:id/rows', async (request, reply): Promise<FileRows> => {
    const principal = await authenticate(request, deps)
    const { limit } = RowsQuery.parse(request.query)
    const { id, threadId: thread } = await workspace.file(principal, fileId(request.params.id))
    const within = workspace.thread(principal, thread)
    const signal = whileAsked(reply)
    await within.profile(id, signal)
    const queries = [{ id: 'rows', sql: 'select * from file', maxRows: limit }]
    const [result] = await within.runSql(
      { tables: [{ name: 'file', fileId: id }], prepare: [], queries, verified: true },
      signal,
    )
    if (result === undefined) throw new Error('The query for the rows of a file gave no result')
    const { columns, rows, truncated } = result
    return { columns: [...columns], rows: rows.map((row) => [...row]), truncated }
  })

  app.delete<ById>('/v1/files/:id', async (request, reply) => {
    const principal = await authenticate(request, deps)
    await workspace.removeFile(principal, fileId(request.params.id))
    return reply.status(204).send()
  })
}

/** Aborts when whoever asked has gone. */
function whileAsked(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(clientWentAway()))
  return gone.signal
}

/** Nobody's fault here: nothing for the log. */
const clientWentAway = (cause?: unknown): HoldfastError =>
  new HoldfastError('cancelled', 'The client went away', { cause })

/**
 * A client in the middle of a large upload reads no answer if its connection is reset under it: so the rest is
 * read and thrown away, but not for ever.
 */
function discardRest(body: Readable): void {
  if (body.readableEnded || body.destroyed) return
  body.resume()
  const timer = setTimeout(() => body.destroy(), discardMs)
  body.once('close', () => clearTimeout(timer))
}
