import type { FileInfo, ThreadId } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'
import { sentenceOf } from './api.ts'
import { client } from './connection.ts'
import { announce } from './notices.ts'

export interface Upload {
  readonly id: number
  readonly threadId: ThreadId
  readonly name: string
  readonly bytes: number
  readonly sentBytes: number
  readonly state:
    | { readonly kind: 'sending' }
    /** All bytes are there; the server looks what they are. */
    | { readonly kind: 'checking' }
    | { readonly kind: 'done'; readonly file: FileInfo }
    | { readonly kind: 'failed'; readonly why: string }
  readonly cancel: () => void
}

/** Files of every thread that were added here and are not yet part of a question. */
export const uploads = createStore<readonly Upload[]>([])

let last = 0

const change = (id: number, part: Partial<Upload>): void =>
  uploads.update((all) => all.map((upload) => (upload.id === id ? { ...upload, ...part } : upload)))
export const forgetUpload = (id: number): void =>
  uploads.update((all) => all.filter((upload) => upload.id !== id))

/** @returns the file; null: cancelled, or refused, which the list says */
export async function uploadFile(threadId: ThreadId, file: File): Promise<FileInfo | null> {
  last += 1
  const id = last
  const ended = new AbortController()
  const cancel = (): void => {
    ended.abort()
    forgetUpload(id)
  }
  const { name, size: bytes } = file
  uploads.update((all) => [
    ...all,
    { id, threadId, name, bytes, sentBytes: 0, state: { kind: 'sending' }, cancel },
  ])
  try {
    const info = await client.upload(
      threadId,
      { name, content: file },
      {
        signal: ended.signal,
        onProgress: (sentBytes, totalBytes) =>
          change(id, { sentBytes, state: { kind: sentBytes < totalBytes ? 'sending' : 'checking' } }),
      },
    )
    change(id, { sentBytes: bytes, state: { kind: 'done', file: info } })
    announce(`${name} is uploaded`)
    return info
  } catch (error) {
    if (ended.signal.aborted) return null
    const why = sentenceOf(error)
    change(id, { state: { kind: 'failed', why } })
    announce(`${name} could not be added: ${why}`)
    return null
  }
}

/** Files that go with the next question of a thread. */
export const attachedFiles = (all: readonly Upload[], threadId: ThreadId | null): readonly FileInfo[] =>
  all.flatMap((upload) =>
    upload.threadId === threadId && upload.state.kind === 'done' ? [upload.state.file] : [],
  )
