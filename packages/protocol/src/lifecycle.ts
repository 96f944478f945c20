import { z } from 'zod'
import { Outcome } from './events.ts'
import { Position, RequestId, RunId, ThreadId } from './ids.ts'

/**
 * What happened to a user's threads, in the stream `user/me`: few rows, so that a second tab or a list of threads
 * stays current without following every thread. `seq` is the user's own counter: 1 for the first, no gaps.
 */
const envelope = { seq: Position, at: z.iso.datetime({ precision: 3 }), threadId: ThreadId }
const ofRun = { ...envelope, runId: RunId }

export const lifecycleItems = {
  thread_created: z.object({ ...envelope, type: z.literal('thread_created'), title: z.string() }),
  thread_renamed: z.object({ ...envelope, type: z.literal('thread_renamed'), title: z.string() }),
  /** With its events, files and artifacts. Nothing of it follows. */
  thread_deleted: z.object({ ...envelope, type: z.literal('thread_deleted') }),
  run_queued: z.object({ ...ofRun, type: z.literal('run_queued'), agent: z.string() }),
  /** Again after each take-over, with the next attempt. */
  run_started: z.object({ ...ofRun, type: z.literal('run_started'), attempt: z.int().min(1) }),
  run_ended: z.object({
    ...ofRun,
    type: z.literal('run_ended'),
    status: z.enum(['completed', 'failed', 'cancelled']),
    outcome: Outcome.optional().describe('of a run that completed'),
  }),
  data_requested: z.object({ ...ofRun, type: z.literal('data_requested'), requestId: RequestId }),
} as const

/** An open set, as event types are: clients ignore what they do not know, but count its place. */
export const LifecycleItem = z.discriminatedUnion('type', [
  lifecycleItems.thread_created,
  lifecycleItems.thread_renamed,
  lifecycleItems.thread_deleted,
  lifecycleItems.run_queued,
  lifecycleItems.run_started,
  lifecycleItems.run_ended,
  lifecycleItems.data_requested,
])
export type LifecycleItem = z.infer<typeof LifecycleItem>
