import { HoldfastHttpError, HoldfastNetworkError } from './errors.ts'
import { type HttpOptions, problemOf } from './http.ts'

/** What is used of a browser's XMLHttpRequest; Node has none. */
interface Xhr {
  readonly status: number
  readonly statusText: string
  readonly responseText: string
  readonly upload: { onprogress: ((event: { readonly loaded: number }) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
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
export async function sendByXhr(
  Xhr: XhrConstructor,
  http: HttpOptions,
  upload: FormUpload,
): Promise<unknown> {
  const { credentials } = http
  const first = await sendOnce(Xhr, http, upload, await credentials.current())
  // 401 comes before anything is done.
  const again = first.status === 401 && credentials.canRenew
  const xhr = again ? await sendOnce(Xhr, http, upload, await credentials.renew()) : first
  if (xhr.status >= 200 && xhr.status < 300) return JSON.parse(xhr.responseText) as unknown
  const { status, statusText } = xhr
  const problem = problemOf(xhr.responseText, { status, statusText, url: `${http.url}${upload.path}` })
  throw new HoldfastHttpError(problem, Number(xhr.getResponseHeader('retry-after') ?? 0) * 1000 || 0)
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
  const abort = (): void => {
    xhr.abort()
    reject(signal?.reason as Error)
  }
  signal?.addEventListener('abort', abort, { once: true })
  xhr.upload.onprogress = ({ loaded }) => onSent(loaded)
  xhr.onload = () => resolve(xhr)
  xhr.onerror = () => reject(new HoldfastNetworkError(new TypeError('The upload failed on its way')))
  xhr.open('POST', `${url}${path}`)
  if (token !== null) xhr.setRequestHeader('authorization', `Bearer ${token}`)
  xhr.send(form)
  return promise.finally(() => signal?.removeEventListener('abort', abort))
}
