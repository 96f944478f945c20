import { FileInfo, type ThreadId } from '@holdfast/protocol'
import { type Call, callJson, type HttpOptions, type RequestBody } from './http.ts'
import { pageXhr, sendByXhr } from './upload-by-xhr.ts'

export interface UploadFile {
  /** Shown to the user; it names nothing on the server. */
  readonly name: string
  /** In Node `await openAsBlob(path)`: read from the disk as it is sent, never whole into memory. */
  readonly content: Blob
}

export interface UploadOptions {
  readonly signal?: AbortSignal
  /** Bytes of the file handed to the network so far. Begins anew where the server asked for a newer token first. */
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
  if (onProgress === undefined)
    return callJson(http, { ...request, body: () => ({ content: form }) }, FileInfo)
  const counted = (sentBytes: number): void => onProgress(Math.min(sentBytes, content.size), content.size)
  // Browsers do not stream the body of a fetch over HTTP/1.1, and only the old interface counts for them.
  const Xhr = pageXhr()
  return Xhr === null
    ? callJson(http, { ...request, body: () => streamed(form, counted) }, FileInfo)
    : sendByXhr(Xhr, http, { path: request.path, form, signal, onSent: counted }, FileInfo)
}

/** The platform writes the form, we count what goes by; the form's own lines are a few hundred bytes. */
function streamed(form: FormData, onSent: (sentBytes: number) => void): RequestBody {
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
  return { content: encoded.body.pipeThrough(counter), headers: { 'content-type': type } }
}
