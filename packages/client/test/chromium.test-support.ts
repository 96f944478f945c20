import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
export const hasChromium = path !== undefined

export interface Page extends AsyncDisposable {
  /** The value of an expression, promises waited for; throws what it throws. */
  evaluate(expression: string): Promise<unknown>
}

interface Answer {
  readonly id?: number
  readonly sessionId?: string
  readonly error?: { readonly message: string }
  readonly result?: Record<string, unknown>
}

/** A page of a real Chromium at `url`, driven over its own debugging protocol. */
export async function openPage(url: string): Promise<Page> {
  if (path === undefined) throw new Error('There is no Chromium on this machine')
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-chromium-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0']
  const child = spawn(path, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const address = await new Promise<string>((resolve, reject) => {
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => {
      told += String(chunk)
      const [, found] = /listening on (ws:\S+)/.exec(told) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(`Chromium did not start: ${told}`)))
  })
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(String(data)) as Answer
    const asked = id === undefined ? undefined : waiting.get(id)
    if (id === undefined || asked === undefined) return
    waiting.delete(id)
    if (error === undefined) asked.resolve(result ?? {})
    else asked.reject(new Error(error.message))
  })
  let last = 0
  const ask = (
    method: string,
    params: object,
    session: { readonly sessionId?: string } = {},
  ): Promise<Record<string, unknown>> => {
    last += 1
    const asked = Promise.withResolvers<Record<string, unknown>>()
    waiting.set(last, asked)
    socket.send(JSON.stringify({ id: last, method, params, ...session }))
    return asked.promise
  }

  const { targetId } = await ask('Target.createTarget', { url })
  const attached = await ask('Target.attachToTarget', { targetId, flatten: true })
  const session = { sessionId: String(attached['sessionId']) }
  const evaluate = async (expression: string): Promise<unknown> => {
    const params = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = (await ask('Runtime.evaluate', params, session)) as {
      result: { value?: unknown }
      exceptionDetails?: { text: string; exception?: { description?: string } }
    }
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  // A new target begins as an empty document; the import map is there once the page is.
  await evaluate(`new Promise((resolve) => {
    const look = () => location.href === ${JSON.stringify(url)} && document.readyState === 'complete' ? resolve() : setTimeout(look, 5)
    look()
  })`).catch((error: unknown) => {
    // The context it waited in went away with the empty document.
    if (!String(error).includes('context')) throw error
  })
  return {
    evaluate,
    async [Symbol.asyncDispose]() {
      socket.close()
      child.kill('SIGKILL')
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}
