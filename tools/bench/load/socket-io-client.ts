import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sharedNowMs } from '../clock.ts'
import { peersDir } from '../contenders/peers.ts'
import type { Connect, Heard } from './receiver.ts'

interface NumberedEvent {
  readonly number: number
  readonly at: number
}

interface SocketIoClient {
  readonly recovered: boolean
  readonly io: { readonly engine: { close(): void }; reconnection(wanted: boolean): unknown }
  on(name: string, listener: (event: NumberedEvent) => void): void
  emit(name: string, ...values: readonly unknown[]): void
  emitWithAck(name: string, ...values: readonly unknown[]): Promise<unknown>
  connect(): void
  disconnect(): void
}

interface Run {
  expected: number
  readonly heard: Heard
  readonly ended: PromiseWithResolvers<void>
}

/** The client that Socket.IO ships, as it comes: it reconnects by itself after 0.5 to 1.5 s, then up to 5 s. */
export const connectSocketIoClient: Connect = async ({ url, user, live }) => {
  const { io } = createRequire(join(peersDir, 'package.json'))('socket.io-client') as {
    io(url: string, options: object): SocketIoClient
  }
  const socket = io(url, { transports: ['websocket'], auth: { user: String(user) }, forceNew: true })
  const connected = Promise.withResolvers<void>()
  let run: Run | null = null
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
  const begin = (heard: Heard): Promise<void> => {
    run = { expected: 0, heard, ended: Promise.withResolvers<void>() }
    return run.ended.promise
  }
  return {
    run(events, heard) {
      const ended = begin(heard)
      socket.emit('run', events)
      return ended
    },
    /** Its connection breaks, the events are sent meanwhile, and it is told to come back at once. */
    async replay(events) {
      const ended = begin({ event: () => {} })
      // Its own delay before it comes back is measured by the restart of a server.
      socket.io.reconnection(false)
      socket.io.engine.close()
      const other = io(url, { transports: ['websocket'], auth: { user: `not ${user}` }, forceNew: true })
      await other.emitWithAck('run', events, String(user))
      other.disconnect()
      const beganMs = sharedNowMs()
      socket.connect()
      await ended
      const took = sharedNowMs() - beganMs
      if (!socket.recovered) throw new Error('the session was not recovered')
      return took
    },
    close: async () => void socket.disconnect(),
  }
}
