import { z } from 'zod'
import { DataRequestItem, Question, Sufficiency, TemplateColumn } from './data-request.ts'
import type { StoredEvent } from './events.ts'
import { FileId, RequestId, RunId } from './ids.ts'

/** One thing that was asked for, and whether it has come. */
export const RequestedItem = z.object({
  ...DataRequestItem.shape,
  fileId: FileId.nullable().describe('the file that brought it; null: it is still missing'),
})

/**
 * A request of a thread. `open`: the last word on the matter; its items are satisfied one by one. `satisfied`: a later
 * run had what it asked for. `superseded`: a later run asked anew, for what was still missing or for something else.
 */
export const DataRequest = z.object({
  id: RequestId,
  runId: RunId,
  at: z.iso.datetime({ precision: 3 }),
  playbook: z.string(),
  sufficiency: Sufficiency,
  state: z.enum(['open', 'satisfied', 'superseded']),
  items: z.array(RequestedItem),
  question: Question.optional(),
  template: z.array(TemplateColumn).optional(),
})
export type DataRequest = z.infer<typeof DataRequest>

export const DataRequestList = z.object({ items: z.array(DataRequest) })
export type DataRequestList = z.infer<typeof DataRequestList>

/**
 * Pure: a thread's events to its requests, oldest first. Only `data_requested`, `data_received` and the terminal events
 * are looked at; others may be among them.
 *
 * @param files those that the thread still has: an item whose file was removed is open again
 */
export function requestsOf(
  events: readonly StoredEvent[],
  files: ReadonlySet<FileId>,
): readonly DataRequest[] {
  const requests: DataRequest[] = []
  for (const event of events) {
    if (event.type === 'data_requested') {
      const { requestId, playbook, sufficiency, items, question, template } = event.data
      const last = requests.at(-1)
      if (last?.state === 'open') last.state = 'superseded'
      requests.push({
        id: requestId,
        runId: event.runId,
        at: event.at,
        playbook,
        sufficiency,
        state: 'open',
        items: items.map((item) => ({ ...item, fileId: null })),
        ...(question === undefined ? {} : { question }),
        ...(template === undefined ? {} : { template }),
      })
    }
    if (event.type === 'data_received') {
      const { requestId, fileId, satisfied } = event.data
      if (!files.has(fileId)) continue
      const items = requests.find(({ id }) => id === requestId)?.items ?? []
      for (const item of items) if (satisfied.includes(item.field)) item.fileId = fileId
    }
  }
  for (const request of requests)
    if (request.items.length > 0 && request.items.every(({ fileId }) => fileId !== null))
      request.state = 'satisfied'
  return requests
}
