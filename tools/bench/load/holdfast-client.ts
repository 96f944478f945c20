import { createClient } from '@holdfast/client'
import { position } from '@holdfast/protocol'
import type { Connect } from './receiver.ts'

/** The published client, with its own delays and its own reconnecting. */
export const connectHoldfastClient: Connect = async ({ url, token, received, live }) => {
  class WatchedWebSocket extends WebSocket {
    constructor(address: string, protocol: string) {
      super(address, protocol)
      this.addEventListener('message', ({ data }) => {
        const text = String(data)
        received(text.length)
        // Said once a subscription, when the reader has all there is.
        if (text.startsWith('{"type":"live"')) live()
      })
    }
  }
  const connected = Promise.withResolvers<void>()
  const client = createClient({
    url,
    token,
    WebSocket: WatchedWebSocket,
    onStatus: ({ kind }) => {
      if (kind === 'ready') connected.resolve()
      if (kind === 'stopped') connected.reject(new Error('the client has stopped'))
    },
  })
  const { id: threadId } = await client.createThread({})
  const signal = new AbortController()
  const events = client.events(threadId, { after: position(0), signal: signal.signal })
  const iterator = events[Symbol.asyncIterator]()
  // Connected and subscribed before the clock starts, as the others are.
  let next = iterator.next()
  next.catch(() => {})
  await connected.promise
  return {
    async run(count, heard) {
      const submitted = client.submit(threadId, {
        message: JSON.stringify({ events: count, legs: 0, pauseMs: 0 }),
      })
      for (;;) {
        const { value: event, done } = await next
        if (done === true) throw new Error('the stream ended before the run')
        next = iterator.next()
        next.catch(() => {})
        if (event.type === 'agent_thinking') heard.event(Date.parse(event.at))
        if (event.type === 'agent_started') heard.started?.()
        if (event.type === 'agent_failed') throw new Error(event.data.message)
        if (event.type === 'agent_completed') break
      }
      await submitted
    },
    async close() {
      signal.abort()
      await client[Symbol.asyncDispose]()
    },
  }
}
