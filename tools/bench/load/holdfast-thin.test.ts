import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { connectHoldfastThin } from './holdfast-thin.ts'
import type { Receiver } from './receiver.ts'

const at = '2026-01-01T00:00:00.000Z'

/** A server that sends a thread these positions, in one frame, when a run is asked for. */
async function serving<T>(positions: readonly number[], work: (url: string) => Promise<T>): Promise<T> {
  const sockets = new WebSocketServer({ noServer: true })
  const http = createServer((request, response) => {
    response.end(JSON.stringify({ id: 'thr_1' }))
    if (request.url !== '/v1/threads/thr_1/runs') return
    const items = positions.map((seq, index) => ({
      seq,
      at,
      type: index === positions.length - 1 ? 'agent_completed' : 'agent_thinking',
    }))
    for (const socket of sockets.clients) socket.send(JSON.stringify({ type: 'ev', items }))
  })
  http.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (accepted) =>
      accepted.send(JSON.stringify({ type: 'live' })),
    ),
  )
  const listening = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
  try {
    return await work(`http://127.0.0.1:${address.port}`)
  } finally {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
  }
}

const connect = (url: string): Promise<Receiver> =>
  connectHoldfastThin({ url, token: '', user: 0, thread: null, received: () => {}, live: () => {} })

test('a thin receiver hands on what comes in order', async () => {
  const made: number[] = []
  await serving([1, 2, 3], async (url) => {
    const receiver = await connect(url)
    await receiver.run(2, { event: (madeAtMs) => void made.push(madeAtMs) })
    await receiver.close()
  })
  expect(made).toEqual([Date.parse(at), Date.parse(at)])
})

test.each([
  ['an event that is missing', [1, 3]],
  ['an event that came twice', [1, 1, 2]],
  ['an event before its time', [2, 1, 3]],
])('a thin receiver refuses a run with %s', async (_name, positions) => {
  await serving(positions, async (url) => {
    const receiver = await connect(url)
    await expect(receiver.run(2, { event: () => {} })).rejects.toThrow(/came after/)
  })
})
