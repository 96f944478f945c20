import { createClient } from '@holdfast/client'
import { position, threadId } from '@holdfast/protocol'
import { sharedNowMs } from '../clock.ts'
import { numbersMessage } from './numbers-message.ts'
import type { Connect } from './receiver.ts'

/** The published client, with its own delays and its own reconnecting. */
export const connectHoldfastClient: Connect = async ({ url, token, thread: known, received, live }) => {
  const connected = Promise.withResolvers<void>()
  const caughtUp = (): void => {
    connected.resolve()
    live()
  }
  class WatchedWebSocket extends WebSocket {
    constructor(address: string, protocol: string) {
      super(address, protocol)
      this.addEventListener('message', ({ data }) => {
        const text = String(data)
        received(text.length)
        // Said once a subscription, when the reader has all there is.
        if (text.startsWith('{"type":"live"')) caughtUp()
      })
    }
  }
  const client = createClient({
    url,
    token,
    WebSocket: WatchedWebSocket,
    fetch: async (...request) => {
      const response = await fetch(...request)
      // A client that found no WebSocket in three tries follows over HTTP until it does: that is live, too.
      if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) caughtUp()
      return response
    },
    onStatus: ({ kind }) => {
      if (kind === 'stopped') connected.reject(new Error('the client has stopped'))
    },
  })
  const thread = known === null ? (await client.createThread({})).id : threadId(known)
  const signal = new AbortController()
  const events = client.events(thread, { after: position(0), signal: signal.signal })
  const iterator = events[Symbol.asyncIterator]()
  let head = 0
  // Connected and subscribed before the clock starts, as the others are.
  let next = iterator.next()
  next.catch(() => {})
  await connected.promise
  return {
    async run(count, heard) {
      const submitted = client.submit(thread, {
        message: numbersMessage(count),
      })
      for (;;) {
        const { value: event, done } = await next
        if (done === true) throw new Error('the stream ended before the run')
        head = event.seq
        next = iterator.next()
        next.catch(() => {})
        if (event.type === 'agent_thinking') heard.event(Date.parse(event.at))
        if (event.type === 'agent_started') heard.started?.()
        if (event.type === 'agent_failed') throw new Error(event.data.message)
        if (event.type === 'agent_completed') break
      }
      await submitted
    },
    /** What the thread holds by now, from its first event on, by another client. */
    async replay() {
      const beganMs = sharedNowMs()
      await using again = createClient({ url, token })
      for await (const { seq } of again.events(thread, { after: position(0) })) if (seq === head) break
      return sharedNowMs() - beganMs
    },
    async close() {
      signal.abort()
      await client[Symbol.asyncDispose]()
    },
  }
}
