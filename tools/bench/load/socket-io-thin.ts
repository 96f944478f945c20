import { WebSocket } from 'ws'
import type { Connect, Heard } from './receiver.ts'

interface NumberedEvent {
  readonly number: number
  readonly at: number
}

/**
 * Socket.IO's wire without its client: engine.io 4 over a WebSocket. `0` open, `40` connected, `42[name, value,
 * offset]` an event (the offset is what recovery would ask from), `2`/`3` ping and pong.
 */
export const connectSocketIoThin: Connect = async ({ url, user, received, live }) => {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  })
  const connected = Promise.withResolvers<void>()
  let run: { expected: number; readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null =
    null
  const failed = (error: Error): void => {
    connected.reject(error)
    run?.ended.reject(error)
  }
  socket.on('error', failed)
  socket.on('close', (code) => failed(new Error(`closed with ${code}`)))
  socket.on('message', (data: Buffer) => {
    received(data.length)
    const text = data.toString('utf8')
    if (text.startsWith('42')) {
      const [name, value] = JSON.parse(text.slice(2)) as [string, NumberedEvent]
      if (run === null) return
      if (name === 'started') run.heard.started?.()
      if (name === 'ended') run.ended.resolve()
      if (name !== 'event') return
      if (value.number !== run.expected) failed(new Error(`${value.number} came for ${run.expected}`))
      run.expected += 1
      run.heard.event(value.at)
    } else if (text === '2') socket.send('3')
    else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ user: String(user) })}`)
    else if (text.startsWith('40')) {
      connected.resolve()
      live()
    }
  })
  await connected.promise
  return {
    run(events, heard) {
      run = { expected: 0, heard, ended: Promise.withResolvers<void>() }
      socket.send(`42${JSON.stringify(['run', events])}`)
      return run.ended.promise
    },
    async close() {
      socket.removeAllListeners('close')
      socket.terminate()
    },
  }
}
