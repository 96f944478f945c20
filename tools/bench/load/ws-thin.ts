import { WebSocket } from 'ws'
import type { Connect, Heard } from './receiver.ts'

interface Message {
  readonly number?: number
  readonly at?: number
}

export const connectWsThin: Connect = async ({ url, received, live }) => {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false })
  const connected = Promise.withResolvers<void>()
  let run: { expected: number; readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null =
    null
  const failed = (error: Error): void => {
    connected.reject(error)
    run?.ended.reject(error)
  }
  socket.on('error', failed)
  socket.on('close', (code) => failed(new Error(`closed with ${code}`)))
  socket.on('open', () => {
    connected.resolve()
    live()
  })
  socket.on('message', (data: Buffer) => {
    received(data.length)
    const { number, at = 0 } = JSON.parse(data.toString('utf8')) as Message
    if (number === undefined) return run?.ended.resolve()
    if (number !== run?.expected) return failed(new Error(`${number} came for ${run?.expected}`))
    run.expected += 1
    run.heard.event(at)
  })
  await connected.promise
  return {
    run(events, heard) {
      run = { expected: 0, heard, ended: Promise.withResolvers<void>() }
      socket.send(String(events))
      return run.ended.promise
    },
    replay: null,
    async close() {
      socket.removeAllListeners('close')
      socket.terminate()
    },
  }
}
