/** Socket.IO with connection state recovery: a room a user, events from memory. Prints its port. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const http = createServer()
const io = new Server(http, {
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  transports: ['websocket'],
  perMessageDeflate: false,
})
const padding = 'x'.repeat(160)

io.on('connection', (socket) => {
  const user = String(socket.handshake.auth['user'])
  void socket.join(user)
  socket.on('run', async (events: number) => {
    for (let number = 0; number < events; number += 1) {
      io.to(user).emit('event', { number, at: performance.timeOrigin + performance.now(), padding })
      // As an agent does, it lets go of the loop now and then.
      if (number % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
  })
})
http.listen(0, '127.0.0.1', () => {
  const address = http.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
process.once('disconnect', () => process.exit(0))
