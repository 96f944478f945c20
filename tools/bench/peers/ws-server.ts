/** `ws` and nothing else: the limit of what a socket can do here. Argument: its port. */
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({
  port: Number(process.argv[2]),
  host: '127.0.0.1',
  perMessageDeflate: false,
})
const padding = 'x'.repeat(230)

server.on('connection', (socket) => {
  socket.on('message', (raw) => void run(Number(String(raw))))
  async function run(events: number): Promise<void> {
    for (let number = 0; number < events; number += 1) {
      socket.send(JSON.stringify({ number, at: performance.timeOrigin + performance.now(), padding }))
      if (number % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
    socket.send('{}')
  }
})
server.on('listening', () => console.log('listening'))
process.once('disconnect', () => process.exit(0))
