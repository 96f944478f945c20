import { HoldfastHttpError, HoldfastNetworkError } from './errors.ts'
import { authorized, type HttpOptions, problemOf, readAnswer, retryAfterMs, type Schema } from './http.ts'

/** What is used of a browser's XMLHttpRequest; Node has none. */
interface Xhr {
  readonly status: number
  readonly statusText: string
  readonly responseText: string
  readonly upload: { onprogress: ((event: { readonly loaded: number }) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  getResponseHeader(name: string): string | null
  send(body: FormData): void
  abort(): void
}
type XhrConstructor = new () => Xhr

/** null: not in a page. */
export function pageXhr(): XhrConstructor | null {
  return (globalThis as { XMLHttpRequest?: XhrConstructor }).XMLHttpRequest ?? null
}

interface FormUpload {
  readonly path: string
  readonly form: FormData
  readonly signal: AbortSignal | undefined
  readonly onSent: (sentBytes: number) => void
}

/** One POST of a form that tells how far it is. @throws as `call` does */
export async function sendByXhr<Value>(
  Xhr: XhrConstructor,
  http: HttpOptions,
  upload: FormUpload,
  schema: Schema<Value>,
): Promise<Value> {
  const { path, signal } = upload
  const xhr = await authorized(http, signal, (token) => sendOnce(Xhr, http, upload, token))
  const { status, statusText, responseText } = xhr
  if (status >= 200 && status < 300) return readAnswer(responseText, { method: 'POST', path }, schema)
  throw new HoldfastHttpError(
    problemOf(responseText, { status, statusText, url: `${http.url}${path}` }),
    retryAfterMs(xhr.getResponseHeader('retry-after'), Date.now()),
  )
}

function sendOnce(
  Xhr: XhrConstructor,
  { url }: HttpOptions,
  { path, form, signal, onSent }: FormUpload,
  token: string | null,
): Promise<Xhr> {
  signal?.throwIfAborted()
  const xhr = new Xhr()
  const { promise, resolve, reject } = Promise.withResolvers<Xhr>()
  const abort = (): void => xhr.abort()
  signal?.addEventListener('abort', abort, { once: true })
  xhr.upload.onprogress = ({ loaded }) => onSent(loaded)
  xhr.onload = () => resolve(xhr)
  xhr.onerror = () => reject(new HoldfastNetworkError(new TypeError('The upload failed on its way')))
  // By the signal, or by the browser, as when the page is left: else nothing would be heard of it anymore.
  xhr.onabort = () => {
    const left = new HoldfastNetworkError(new TypeError('The upload was broken off'))
    reject(signal?.aborted === true ? (signal.reason as Error) : left)
  }
  xhr.open('POST', `${url}${path}`)
  if (token !== null) xhr.setRequestHeader('authorization', `Bearer ${token}`)
  xhr.send(form)
  return promise.finally(() => signal?.removeEventListener('abort', abort))
}
