import { WebSocket } from 'ws'
import { sharedNowMs } from '../clock.ts'
import type { Connect, Heard } from './receiver.ts'

interface NumberedEvent {
  readonly number: number
  readonly at: number
}

/** Where recovery goes on: the session, and the newest packet it has. */
interface Place {
  readonly pid: string
  readonly offset: string
}

interface OpenOptions {
  readonly url: string
  readonly user: string
  readonly from: Place | null
  readonly received: (bytes: number) => void
  readonly connected: (pid: string) => void
  readonly packet: (name: string, value: NumberedEvent, offset: string) => void
  /** An emission that asked for it was carried out. */
  readonly acknowledged: () => void
  readonly failed: (error: Error) => void
}

/**
 * Socket.IO's wire without its client: engine.io 4 over a WebSocket. `0` open, `40` connected, `42[name, value,
 * offset]` an event (the offset is what recovery asks from), `43` an acknowledgement, `2`/`3` ping and pong.
 */
function open({
  url,
  user,
  from,
  received,
  connected,
  packet,
  acknowledged,
  failed,
}: OpenOptions): WebSocket {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  })
  socket.on('error', failed)
  socket.on('close', (code) => failed(new Error(`closed with ${code}`)))
  socket.on('message', (data: Buffer) => {
    received(data.length)
    const text = data.toString('utf8')
    if (text.startsWith('42')) packet(...(JSON.parse(text.slice(2)) as [string, NumberedEvent, string]))
    else if (text === '2') socket.send('3')
    else if (text.startsWith('43')) acknowledged()
    else if (text.startsWith('40')) connected((JSON.parse(text.slice(2)) as { pid: string }).pid)
    else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ user, ...from })}`)
  })
  return socket
}

const leave = (socket: WebSocket): void => {
  socket.removeAllListeners('close')
  socket.terminate()
}

export const connectSocketIoThin: Connect = async ({ url, user: number, received, live }) => {
  const user = String(number)
  const connected = Promise.withResolvers<string>()
  let run: { expected: number; readonly heard: Heard; readonly ended: PromiseWithResolvers<void> } | null =
    null
  let offset = ''
  const failed = (error: Error): void => {
    connected.reject(error)
    run?.ended.reject(error)
  }
  const socket = open({
    url,
    user,
    from: null,
    received,
    failed,
    acknowledged: () => {},
    connected(pid) {
      connected.resolve(pid)
      live()
    },
    packet(name, value, at) {
      // `started` and `ended` carry no value: their offset stands first.
      offset = at ?? String(value)
      if (run === null) return
      if (name === 'started') run.heard.started?.()
      if (name === 'ended') run.ended.resolve()
      if (name !== 'event') return
      if (value.number !== run.expected) failed(new Error(`${value.number} came for ${run.expected}`))
      run.expected += 1
      run.heard.event(value.at)
    },
  })
  const pid = await connected.promise

  /** Asked for by another user, in this user's absence. */
  const sendTo = async (events: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const other = open({
      url,
      user: `not ${user}`,
      from: null,
      received,
      failed: reject,
      packet: () => {},
      acknowledged: resolve,
      connected: () => other.send(`421${JSON.stringify(['run', events, user])}`),
    })
    await promise
    leave(other)
  }
  return {
    run(events, heard) {
      run = { expected: 0, heard, ended: Promise.withResolvers<void>() }
      socket.send(`42${JSON.stringify(['run', events])}`)
      return run.ended.promise
    },
    /** Its connection breaks, the events are sent meanwhile, and it comes back within the two minutes. */
    async replay(events) {
      leave(socket)
      await sendTo(events)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      let expected = 0
      const beganMs = sharedNowMs()
      const again = open({
        url,
        user,
        from: { pid, offset },
        received,
        failed: reject,
        acknowledged: () => {},
        connected: (now) => {
          if (now !== pid) reject(new Error('the session was not recovered'))
        },
        packet(name, value) {
          if (name === 'ended') resolve()
          if (name !== 'event') return
          if (value.number !== expected) reject(new Error(`${value.number} came for ${expected}`))
          expected += 1
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
