import { connect, createServer, type Socket } from 'node:net'

/** What stands between a client and a server, and can fall silent: connections stay, and nothing passes. */
export interface MuteProxy extends AsyncDisposable {
  /** The URL that was given, with the proxy in the server's place. */
  readonly url: string
  mute(): void
  /** What was held back passes. */
  unmute(): void
}

export async function openMuteProxy(serverUrl: string): Promise<MuteProxy> {
  const { hostname, port } = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let muted = false
  const relay = (from: Socket, to: Socket): void => {
    sockets.add(from)
    if (muted) from.pause()
    from.on('data', (chunk) => to.write(chunk))
    from.on('error', () => {})
    from.once('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    relay(client, upstream)
    relay(upstream, client)
    if (muted) for (const socket of [client, upstream]) socket.pause()
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
  const address = server.address()
  const url = new URL(serverUrl)
  url.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: url.href,
    mute() {
      muted = true
      for (const socket of sockets) socket.pause()
    },
    unmute() {
      muted = false
      for (const socket of sockets) socket.resume()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}
