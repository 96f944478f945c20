/** Socket.IO with connection state recovery: a room a user, events from memory. Argument: its port. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const http = createServer()
const io = new Server(http, {
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  transports: ['websocket'],
  perMessageDeflate: false,
})
const padding = 'x'.repeat(230)

io.on('connection', (socket) => {
  const user = String(socket.handshake.auth['user'])
  void socket.join(user)
  socket.on('run', async (events: number, to = user, done = () => {}) => {
    io.to(to).emit('started')
    for (let number = 0; number < events; number += 1) {
      io.to(to).emit('event', { number, at: performance.timeOrigin + performance.now(), padding })
      // As an agent does, it lets go of the loop now and then.
      if (number % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
    io.to(to).emit('ended')
    done()
  })
})
http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'))
process.once('disconnect', () => process.exit(0))
