import { Agent, type IncomingMessage, request } from 'node:http'
import { sharedNowMs } from '../clock.ts'
import { postJson } from './post-json.ts'
import type { Connect, Heard } from './receiver.ts'

const agent = new Agent({ keepAlive: true })

/**
 * A thread, and each run of it as a stream of server-sent events. "Started" is the graph's own first word: the
 * `metadata` before it is said before the graph runs.
 */
export const connectLangGraph: Connect = async ({ url, received, live }) => {
  const { thread_id: thread } = (await postJson(`${url}/threads`, {})) as { thread_id: string }
  live()
  return {
    async run(events, heard) {
      const response = await ask(`${url}/threads/${thread}/runs/stream`, 'POST', {
        body: { assistant_id: 'numbers', input: { events }, stream_mode: ['custom'] },
      })
      await read(response, { events, heard, received })
    },
    /** A resumable run, kept in its memory as long as the process lives; asked for again from its first event. */
    async replay(events) {
      const body = {
        assistant_id: 'numbers',
        input: { events },
        stream_mode: ['custom'],
        stream_resumable: true,
      }
      const first = await ask(`${url}/threads/${thread}/runs/stream`, 'POST', { body })
      const run = /runs\/([0-9a-f-]+)/.exec(String(first.headers['content-location']))?.[1]
      let lastMs = 0
      const heard = {
        event: () => {
          lastMs = sharedNowMs()
        },
      }
      await read(first, { events, heard, received })
      const beganMs = sharedNowMs()
      const again = await ask(`${url}/threads/${thread}/runs/${run}/stream`, 'GET', {
        headers: { 'last-event-id': '-1' },
      })
      await read(again, { events, heard, received })
      return lastMs - beganMs
    },
    close: async () => {},
  }
}

async function ask(
  url: string,
  method: 'GET' | 'POST',
  { body, headers = {} }: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const text = body === undefined ? null : JSON.stringify(body)
  const described =
    text === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const sent = request(url, { method, agent, headers: { ...headers, ...described } }, resolve)
  sent.on('error', reject)
  sent.end(text ?? undefined)
  const response = await promise
  if (response.statusCode !== 200) throw new Error(`${method} ${url}: ${response.statusCode}`)
  return response
}

/** Resolves with the server's own end of the stream, as a client of it does. */
async function read(
  response: IncomingMessage,
  {
    events,
    heard,
    received,
  }: { readonly events: number; readonly heard: Heard; readonly received: (bytes: number) => void },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let text = ''
  let expected = 0
  response.setEncoding('utf8')
  response.on('error', reject)
  response.on('data', (chunk: string) => {
    received(chunk.length)
    text += chunk
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const frame = text.slice(0, end)
      text = text.slice(end + 2)
      if (frame.startsWith('event: error')) reject(new Error(frame))
      if (!frame.startsWith('event: custom')) continue
      const value = JSON.parse(dataOf(frame)) as Record<string, number>
      if (value['started'] !== undefined) heard.started?.()
      const { number, at } = value
      if (number === undefined || at === undefined) continue
      if (number !== expected) reject(new Error(`${number} came for ${expected}`))
      expected += 1
      heard.event(at)
    }
  })
  response.on('end', () =>
    expected === events ? resolve() : reject(new Error(`${expected} of ${events} came`)),
  )
  return promise
}

/** Its JSON comes on several lines, each a `data:` of its own. */
const dataOf = (frame: string): string =>
  frame
    .split('\n')
    .flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length)] : []))
    .join('\n')
