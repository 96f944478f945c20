import { createRequire } from 'node:module'
import { join } from 'node:path'
import { peersDir } from '../contenders/peers.ts'
import type { Connect, Heard } from './receiver.ts'

interface NumberedEvent {
  readonly number: number
  readonly at: number
}

interface SocketIoClient {
  on(name: string, listener: (event: NumberedEvent) => void): void
  emit(name: string, value: number): void
  disconnect(): void
}

/** The client that Socket.IO ships, as it comes: it reconnects by itself after 0.5 to 1.5 s, then up to 5 s. */
export const connectSocketIoClient: Connect = async ({ url, user, live }) => {
  const { io } = createRequire(join(peersDir, 'package.json'))('socket.io-client') as {
    io(url: string, options: object): SocketIoClient
  }
  const socket = io(url, { transports: ['websocket'], auth: { user: String(user) }, forceNew: true })
  const connected = Promise.withResolvers<void>()
  let run: { expected: number; readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null =
    null
  socket.on('connect', () => {
    connected.resolve()
    live()
  })
  socket.on('event', ({ number, at }) => {
    if (run === null) return
    if (number !== run.expected) run.ended.reject(new Error(`${number} came for ${run.expected}`))
    run.expected += 1
    run.heard.event(at)
  })
  socket.on('ended', () => run?.ended.resolve())
  await connected.promise
  return {
    run(events, heard) {
      run = { expected: 0, heard, ended: Promise.withResolvers<void>() }
      socket.emit('run', events)
      return run.ended.promise
    },
    close: async () => void socket.disconnect(),
  }
}
