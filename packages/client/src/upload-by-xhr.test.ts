import { expect, test } from 'vitest'
import { createCredentials } from './credentials.ts'
import { type pageXhr, sendByXhr } from './upload-by-xhr.ts'

type Xhr = InstanceType<NonNullable<ReturnType<typeof pageXhr>>>

/** A request that does what the test says once it is sent. */
function xhrThat(act: (xhr: Xhr) => void): new () => Xhr {
  return class implements Xhr {
    status = 0
    statusText = ''
    responseText = ''
    upload = { onprogress: null }
    onload: (() => void) | null = null
    onerror: (() => void) | null = null
    onabort: (() => void) | null = null
    open(): void {}
    setRequestHeader(): void {}
    getResponseHeader(): null {
      return null
    }
    send(): void {
      act(this)
    }
    abort(): void {
      this.onabort?.()
    }
  }
}
const send = (act: (xhr: Xhr) => void, signal?: AbortSignal): Promise<unknown> =>
  sendByXhr(
    xhrThat(act),
    { url: 'http://fake', credentials: createCredentials(null), fetch },
    { path: '/x', form: new FormData(), signal, onSent() {} },
    { parse: (value) => value },
  )

test('an upload that the browser breaks off has failed', async () => {
  await expect(send((xhr) => xhr.onabort?.())).rejects.toMatchObject({ code: 'unreachable' })
})

test('one that the signal breaks off ends with its reason', async () => {
  const abort = new AbortController()
  await expect(send(() => abort.abort(new Error('enough')), abort.signal)).rejects.toThrow('enough')
})
