import type { FileId, ThreadId } from '@holdfast/protocol'
import { client } from './connection.ts'
import { preferences } from './preferences.ts'
import { attachedFiles, uploads } from './uploads.ts'

const titleLength = 80
export const titleOf = (text: string): string => {
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line.length > titleLength ? `${line.slice(0, titleLength - 1).trimEnd()}…` : line
}

/** Asks with the files that were added to the thread; they are part of the question then. */
export async function askInThread(
  threadId: ThreadId,
  text: string,
  files?: readonly FileId[],
): Promise<void> {
  const added = attachedFiles(uploads.get(), threadId).map(({ id }) => id)
  const { model } = preferences.get()
  await client.submit(threadId, {
    message: text,
    files: [...(files ?? added)],
    whenBusy: 'queue',
    ...(model === null ? {} : { model }),
  })
  const sent = new Set(added)
  if (files === undefined)
    uploads.update((all) =>
      all.filter(
        ({ threadId: of, state }) =>
          of !== threadId || (state.kind !== 'failed' && (state.kind !== 'done' || !sent.has(state.file.id))),
      ),
    )
}
