/** `ws` and nothing else: the limit of what a socket can do here. No store, no order kept over a reconnect. */
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
const padding = 'x'.repeat(160)

server.on('connection', (socket) => {
  socket.on('message', (raw) => void run(Number(String(raw))))
  async function run(events: number): Promise<void> {
    for (let number = 0; number < events; number += 1) {
      socket.send(JSON.stringify({ number, at: performance.timeOrigin + performance.now(), padding }))
      if (number % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
  }
})
server.on('listening', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
process.once('disconnect', () => process.exit(0))
