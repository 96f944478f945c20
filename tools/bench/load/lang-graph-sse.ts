import { Agent, request } from 'node:http'
import { postJson } from './post-json.ts'
import type { Connect } from './receiver.ts'

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
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const body = JSON.stringify({ assistant_id: 'numbers', input: { events }, stream_mode: ['custom'] })
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const sent = request(
        `${url}/threads/${thread}/runs/stream`,
        { method: 'POST', agent, headers },
        (response) => {
          if (response.statusCode !== 200) reject(new Error(`LangGraph answered ${response.statusCode}`))
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
        },
      )
      sent.on('error', reject)
      sent.end(body)
      return promise
    },
    close: async () => {},
  }
}

/** Its JSON comes on several lines, each a `data:` of its own. */
const dataOf = (frame: string): string =>
  frame
    .split('\n')
    .flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length)] : []))
    .join('\n')
