import { expect, test } from 'vitest'
import { createRecorder } from '../history/recorder.ts'
import { ask, closeAgents, openAgents } from './http.ts'
import { drip, openTcp } from './tcp.test-support.ts'

async function askOf(onSocket: Parameters<typeof openTcp>[0], timeoutMs: number) {
  using server = await openTcp(onSocket)
  const agents = openAgents()
  try {
    return await ask(createRecorder(), server.url, { path: '/version', timeoutMs, agents })
  } finally {
    closeAgents(agents)
  }
}

test('an upgrade that nobody asked for is no answer, and nothing waits for one', async () => {
  const answer = await askOf(
    (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      ),
    1_000,
  )
  expect([answer.status, answer.error]).toEqual([null, 'The connection ended without an answer'])
})

test('a body that drips is given up at the time of the whole answer', async () => {
  const answer = await askOf(
    (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
        drip(socket, ' ', 20)
      }),
    300,
  )
  expect(answer.error).toMatch(/No whole answer within 300 ms|ECONNRESET/)
})

test('an answer that ends with its connection is whole', async () => {
  const answer = await askOf(
    (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}')),
    1_000,
  )
  expect([answer.status, answer.body, answer.error]).toEqual([200, '{}', null])
})
