import { FileInfo, type ThreadId } from '@holdfast/protocol'
import { type Call, callJson, type HttpOptions } from './http.ts'
import { pageXhr, sendByXhr } from './upload-by-xhr.ts'

export interface UploadFile {
  /** Shown to the user; it names nothing on the server. */
  readonly name: string
  /** In Node `await openAsBlob(path)`: read from the disk as it is sent, never whole into memory. */
  readonly content: Blob
}

export interface UploadOptions {
  readonly signal?: AbortSignal
  /** Bytes of the file handed to the network so far. */
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
  if (onProgress === undefined) return FileInfo.parse(await callJson(http, { ...request, body: form }))
  const counted = (sentBytes: number): void => onProgress(Math.min(sentBytes, content.size), content.size)
  // Browsers do not stream the body of a fetch over HTTP/1.1, and only the old interface counts for them.
  const Xhr = pageXhr()
  const answer =
    Xhr === null
      ? await callJson(http, streamed(request, form, counted))
      : await sendByXhr(Xhr, http, { path: request.path, form, signal, onSent: counted })
  return FileInfo.parse(answer)
}

/** The platform writes the form, we count what goes by; the form's own lines are a few hundred bytes. */
function streamed(request: Call, form: FormData, onSent: (sentBytes: number) => void): Call {
  const encoded = new Response(form)
  let sentBytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sentBytes += chunk.byteLength
      onSent(sentBytes)
      controller.enqueue(chunk)
    },
  })
  const type = encoded.headers.get('content-type')
  if (encoded.body === null || type === null) throw new Error('The platform cannot encode a form')
  return { ...request, body: encoded.body.pipeThrough(counter), headers: { 'content-type': type } }
}
