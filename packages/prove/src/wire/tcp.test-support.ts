import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A server that says whatever a test wants, byte for byte. */
export async function openTcp(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** A byte each `everyMs`, without end: never silent, and never done. */
export function drip(socket: Socket, text: string, everyMs: number): void {
  let at = 0
  const timer = setInterval(() => {
    socket.write(text[at % text.length] ?? ' ')
    at += 1
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}
