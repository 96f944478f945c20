import {
  CreateThread,
  EpochId,
  type EventPage,
  HoldfastError,
  limits,
  PatchThread,
  type Position,
  position,
  type ThreadState,
  threadId,
} from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { HttpDeps } from './deps.ts'
import { admit, authenticate, simulatedHeader } from './guard.ts'

const ListQuery = z.object({
  cursor: z.string().max(200).optional(),
  search: z.string().max(limits.threadSearchLength).optional(),
})
const EventsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(limits.eventsPageItems).default(limits.eventsPageItems),
  epoch: EpochId.optional(),
})
/** Empty: an EventSource that has had nothing yet. */
const LastEventId = z
  .union([z.literal('').transform(() => undefined), z.coerce.number().int().min(0)])
  .optional()

type ById = { Params: { id: string } }

export function threadRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { threads, log, runs, workspace, followEvents } = deps

  app.post('/v1/threads', async (request, reply) => {
    const principal = await authenticate(request, deps)
    const { title } = CreateThread.parse(request.body ?? {})
    const thread = await threads.create(principal, title)
    return reply.status(201).header('location', `/v1/threads/${thread.id}`).send(thread)
  })

  app.get('/v1/threads', async (request) => {
    const principal = await authenticate(request, deps)
    return threads.list(principal, ListQuery.parse(request.query))
  })

  app.get<ById>('/v1/threads/:id', async (request) => {
    const principal = await authenticate(request, deps)
    return threads.get(principal, threadId(request.params.id))
  })

  app.patch<ById>('/v1/threads/:id', async (request) => {
    const principal = await authenticate(request, deps)
    const { title } = PatchThread.parse(request.body)
    return threads.rename(principal, threadId(request.params.id), title)
  })

  app.delete<ById>('/v1/threads/:id', async (request, reply) => {
    const principal = await authenticate(request, deps)
    await threads.remove(principal, threadId(request.params.id))
    return reply.status(204).send()
  })

  app.get<ById>('/v1/threads/:id/state', async (request): Promise<ThreadState> => {
    const principal = await authenticate(request, deps)
    // The head is read first: whatever the lists below show beyond it, the events after `seq` tell again.
    const thread = await threads.get(principal, threadId(request.params.id))
    const [runList, files] = await Promise.all([
      runs.list(principal, thread.id),
      workspace.files(principal, thread.id),
    ])
    return { epoch: log.epoch, seq: thread.head, thread, runs: [...runList], files: [...files] }
  })

  app.get<ById>('/v1/threads/:id/events', async (request, reply): Promise<EventPage | undefined> => {
    const { access, credentials } = await admit(request, deps)
    const { principal } = access
    const { after, limit, epoch } = EventsQuery.parse(request.query)
    const { id, head } = await threads.get(principal, threadId(request.params.id))
    if (request.headers.accept?.includes('text/event-stream')) {
      // What an EventSource got last beats the address it was opened with.
      const cursor = position(LastEventId.parse(request.headers['last-event-id']) ?? after)
      guardCursor(cursor, head, epoch !== undefined && epoch !== log.epoch)
      // It writes its head by itself.
      if (request.simulated) reply.raw.setHeader(simulatedHeader, '1')
      await followEvents({ access, credentials, threadId: id, after: cursor, response: reply.raw })
      reply.hijack()
      return
    }
    guardCursor(position(after), head, epoch !== undefined && epoch !== log.epoch)
    const items = await log.read(id, position(after), { events: limit, bytes: limits.eventsPageBytes })
    // Events may have been appended since the head was read: a page never reaches beyond the head it names.
    return { epoch: log.epoch, head: position(Math.max(head, items.at(-1)?.seq ?? 0)), items: [...items] }
  })
}

/** L6: a cursor of another epoch, or ahead of the head, is never answered with a part of the log. */
function guardCursor(after: Position, head: Position, otherEpoch: boolean): void {
  if (otherEpoch || after > head)
    throw new HoldfastError(
      'epoch_changed',
      'This position belongs to another log; read /v1/threads/:id/state and go on from its seq',
    )
}
