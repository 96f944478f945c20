import type { HoldfastClient } from '@holdfast/client'
import { type FileId, limits, Report, type Run, type StoredEvent, type ThreadId } from '@holdfast/protocol'
import type { DataFile } from './data-files.ts'
import type { SendFile } from './server.ts'
import { type Story, tell, untold } from './story.ts'

export interface Question {
  readonly text: string
  readonly files: readonly DataFile[]
  /** null: a new thread. */
  readonly threadId: ThreadId | null
  /** null: as the server has it. */
  readonly model: string | null
  /** null: the server's first. */
  readonly agent: string | null
}

export interface Watcher {
  /** Once, as soon as the thread is known. */
  thread(threadId: ThreadId): void
  sending(name: string, sentBytes: number, totalBytes: number): void
  /** Once, when the server has taken the whole file. */
  sent(name: string): void
  /** Once, when the run can be cancelled. */
  run(run: Run): void
  event(event: StoredEvent): Promise<void>
}

export interface Told {
  readonly run: Run
  readonly story: Story
  readonly report: Report | null
}

async function fetchReport(client: HoldfastClient, story: Story): Promise<Report | null> {
  if (story.report === null) return null
  const bytes = await client.artifact(story.report)
  return Report.parse(JSON.parse(new TextDecoder().decode(bytes)))
}

/** One question from upload to report. `signal` ends the waiting; it does not cancel the run. */
export async function converse(
  client: HoldfastClient,
  question: Question,
  watcher: Watcher,
  signal: AbortSignal,
  send: SendFile = client.upload,
): Promise<Told> {
  const title = question.text.slice(0, limits.threadTitleLength)
  const threadId = question.threadId ?? (await client.createThread({ title })).id
  watcher.thread(threadId)
  const files: FileId[] = []
  for (const file of question.files) {
    const onProgress = (sent: number, total: number): void => watcher.sending(file.name, sent, total)
    files.push((await send(threadId, file, { signal, onProgress })).id)
    watcher.sent(file.name)
  }
  const { model, agent } = question
  const wishes = { ...(model === null ? {} : { model }), ...(agent === null ? {} : { agent }) }
  const run = await client.submit(threadId, { message: question.text, files, ...wishes }, { signal })
  watcher.run(run)
  let story = untold
  for await (const event of client.followRun(run, { signal })) {
    story = tell(story, event)
    await watcher.event(event)
  }
  signal.throwIfAborted()
  return { run, story, report: await fetchReport(client, story) }
}
