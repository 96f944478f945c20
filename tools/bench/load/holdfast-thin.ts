import { WebSocket } from 'ws'
import { postJson } from './post-json.ts'
import type { Connect, Heard } from './receiver.ts'

interface Frame {
  readonly type: string
  readonly first?: number
  readonly items?: readonly { readonly seq: number; readonly type: string; readonly at: string }[]
  readonly n?: number
}

const ackItems = 64

/** A socket, JSON.parse, and a check that positions follow each other: the least a client of Holdfast can be. */
export const connectHoldfastThin: Connect = async ({ url, token, received, live }) => {
  const { id } = (await postJson(`${url}/v1/threads`, {}, token)) as { id: string }
  const stream = `thread/${id}`
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, 'holdfast.v1', {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  const connected = Promise.withResolvers<void>()
  let run: { readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null = null
  let applied = 0
  let acked = 0
  const failed = (error: Error): void => {
    connected.reject(error)
    run?.ended.reject(error)
  }
  socket.on('error', failed)
  socket.on('close', (code, reason) => failed(new Error(`closed with ${code} ${String(reason)}`)))
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'hello', instance: stream, subs: [{ stream, after: 'start' }] })),
  )
  socket.on('message', (data: Buffer) => {
    received(data.length)
    const frame = JSON.parse(data.toString('utf8')) as Frame
    if (frame.type === 'live') {
      connected.resolve()
      live()
    } else if (frame.type === 'ping') socket.send(JSON.stringify({ type: 'pong', n: frame.n }))
    else if (frame.type === 'sub_err' || frame.type === 'error') failed(new Error(data.toString('utf8')))
    for (const { seq, type, at } of frame.items ?? []) {
      if (seq !== applied + 1) return failed(new Error(`${seq} came after ${applied}`))
      applied = seq
      if (type === 'agent_thinking') run?.heard.event(Date.parse(at))
      else if (type === 'agent_started') run?.heard.started?.()
      else if (type === 'agent_completed') run?.ended.resolve()
      else if (type === 'agent_failed') failed(new Error(data.toString('utf8')))
    }
    if (applied - acked < ackItems) return
    acked = applied
    socket.send(JSON.stringify({ type: 'ack', stream, seq: acked }))
  })
  await connected.promise
  return {
    async run(events, heard) {
      run = { heard, ended: Promise.withResolvers<void>() }
      // Both at once: the run may end before the answer to its submission is read.
      const submitted = postJson(
        `${url}/v1/threads/${id}/runs`,
        { message: JSON.stringify({ events, legs: 0, pauseMs: 0 }) },
        token,
      )
      await Promise.all([submitted, run.ended.promise])
    },
    async close() {
      socket.removeAllListeners('close')
      socket.terminate()
    },
  }
}
