import { FileInfo, type ThreadId } from '@holdfast/protocol'
import { type Call, call, type HttpOptions } from './http.ts'

export interface UploadFile {
  /** Shown to the user; it names nothing on the server. */
  readonly name: string
  /** In Node `await openAsBlob(path)`: read from the disk as it is sent, never whole into memory. */
  readonly content: Blob
}

export interface UploadOptions {
  readonly signal?: AbortSignal
  /**
   * Bytes of the file handed to the network so far. Where the platform cannot stream a request (browsers over
   * HTTP/1.1) it is told once, at the end.
   */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void
}

/** Not repeated after a fault: an upload has no key by which the server could tell a repeat. */
export async function upload(
  http: HttpOptions,
  threadId: ThreadId,
  { name, content }: UploadFile,
  { signal, onProgress }: UploadOptions,
): Promise<FileInfo> {
  const form = new FormData()
  form.set('file', content, name)
  const request: Call = { method: 'POST', path: `/v1/threads/${threadId}/files`, signal }
  const streams = onProgress !== undefined && !('document' in globalThis)
  const response = await call(
    http,
    streams ? counted(request, form, content.size, onProgress) : { ...request, body: form },
  )
  if (!streams) onProgress?.(content.size, content.size)
  return FileInfo.parse(await response.json())
}

/** The platform writes the form, we count what goes by. */
function counted(
  request: Call,
  form: FormData,
  totalBytes: number,
  onProgress: (sentBytes: number, totalBytes: number) => void,
): Call {
  const encoded = new Response(form)
  let sentBytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      // The form's own lines are a few hundred bytes more than the file.
      sentBytes = Math.min(totalBytes, sentBytes + chunk.byteLength)
      onProgress(sentBytes, totalBytes)
      controller.enqueue(chunk)
    },
  })
  const type = encoded.headers.get('content-type')
  if (encoded.body === null || type === null) throw new Error('The platform cannot encode a form')
  return { ...request, body: encoded.body.pipeThrough(counter), headers: { 'content-type': type } }
}
