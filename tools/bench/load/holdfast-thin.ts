import { WebSocket } from 'ws'
import { sharedNowMs } from '../clock.ts'
import { numbersMessage } from './numbers-message.ts'
import { postJson } from './post-json.ts'
import type { Connect, Heard } from './receiver.ts'

interface Item {
  readonly seq: number
  readonly type: string
  readonly at: string
}

interface Frame {
  readonly type: string
  readonly items?: readonly Item[]
  readonly n?: number
}

interface FollowOptions {
  readonly url: string
  readonly token: string
  readonly thread: string
  readonly received: (bytes: number) => void
  readonly live: () => void
  readonly item: (item: Item) => void
  readonly failed: (error: Error) => void
}

const ackItems = 64

/** A socket, JSON.parse, and a check that positions follow each other: the least a client of Holdfast can be. */
function follow({ url, token, thread, received, live, item, failed }: FollowOptions): WebSocket {
  const stream = `thread/${thread}`
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, 'holdfast.v1', {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  let applied = 0
  let acked = 0
  socket.on('error', failed)
  socket.on('close', (code, reason) => failed(new Error(`closed with ${code} ${String(reason)}`)))
  socket.on('open', () =>
    socket.send(
      JSON.stringify({ type: 'hello', instance: crypto.randomUUID(), subs: [{ stream, after: 'start' }] }),
    ),
  )
  socket.on('message', (data: Buffer) => {
    received(data.length)
    const frame = JSON.parse(data.toString('utf8')) as Frame
    if (frame.type === 'live') live()
    else if (frame.type === 'ping') socket.send(JSON.stringify({ type: 'pong', n: frame.n }))
    else if (frame.type === 'sub_err' || frame.type === 'error') failed(new Error(data.toString('utf8')))
    for (const next of frame.items ?? []) {
      if (next.seq !== applied + 1) return failed(new Error(`${next.seq} came after ${applied}`))
      applied = next.seq
      item(next)
    }
    if (applied - acked < ackItems) return
    acked = applied
    socket.send(JSON.stringify({ type: 'ack', stream, seq: acked }))
  })
  return socket
}

const leave = (socket: WebSocket): void => {
  socket.removeAllListeners('close')
  socket.terminate()
}

export const connectHoldfastThin: Connect = async ({ url, token, thread: known, received, live }) => {
  const thread = known ?? ((await postJson(`${url}/v1/threads`, {}, token)) as { id: string }).id
  const connected = Promise.withResolvers<void>()
  let run: { readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null = null
  let head = 0
  const failed = (error: Error): void => {
    connected.reject(error)
    run?.ended.reject(error)
  }
  const socket = follow({
    url,
    token,
    thread,
    received,
    failed,
    live() {
      connected.resolve()
      live()
    },
    item({ seq, type, at }) {
      head = seq
      if (type === 'agent_thinking') run?.heard.event(Date.parse(at))
      else if (type === 'agent_started') run?.heard.started?.()
      else if (type === 'agent_completed') run?.ended.resolve()
      else if (type === 'agent_failed') failed(new Error(`the run failed at ${seq}`))
    },
  })
  await connected.promise

  return {
    async run(events, heard) {
      run = { heard, ended: Promise.withResolvers<void>() }
      // Both at once: the run may end before the answer to its submission is read.
      const submitted = postJson(
        `${url}/v1/threads/${thread}/runs`,
        { message: numbersMessage(events) },
        token,
      )
      await Promise.all([submitted, run.ended.promise])
    },
    /** What the thread holds by now, from its first event on. */
    async replay() {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const beganMs = sharedNowMs()
      const again = follow({
        url,
        token,
        thread,
        received,
        live: () => {},
        failed: reject,
        item({ seq }) {
          if (seq === head) resolve()
        },
      })
      await promise
      const took = sharedNowMs() - beganMs
      leave(again)
      return took
    },
    close: async () => leave(socket),
  }
}
