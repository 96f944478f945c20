import { wireVersion } from '@holdfast/protocol'
import { OtherVersionError, type ReceivedFrame, readFrame } from './received-frame.ts'
import type { Transport, TransportPort } from './transport.ts'

/** The platform's, or one that behaves like it. */
export type WebSocketConstructor = new (url: string, protocol: string) => WebSocket

const isOpen = 1

export function openWebSocket(WebSocket: WebSocketConstructor, url: string, port: TransportPort): Transport {
  const socket = new WebSocket(url, wireVersion)
  socket.addEventListener('open', () => port.opened())
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') return
    let frame: ReceivedFrame | null
    try {
      frame = readFrame(data)
    } catch (error) {
      // Else not what any server sends: a broken proxy, perhaps. Another connection may do better, once.
      if (error instanceof OtherVersionError) port.lost(4526, error.message)
      else port.lost(1007, '')
      return
    }
    port.alive()
    if (frame === null) return
    if (frame.type === 'ready') port.epoch(frame.epoch)
    port.frame(frame)
  })
  socket.addEventListener('close', ({ code, reason }) => port.lost(code, reason))
  // Node ends the process on an error nobody listens to; the close that follows tells all there is to tell.
  socket.addEventListener('error', () => {})
  return {
    send(frame) {
      if (socket.readyState === isOpen) socket.send(JSON.stringify(frame))
    },
    close: (code) => socket.close(code),
  }
}
