import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type Fault, openFaultProxy } from './proxy.ts'

/** A server that answers each chunk with itself, behind one door of a proxy. */
async function openEcho() {
  await using opening = new AsyncDisposableStack()
  const served: Socket[] = []
  const server = createServer((socket) => {
    served.push(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opening.defer(() => {
    for (const socket of served) socket.destroy()
    server.close()
  })
  const proxy = opening.use(openFaultProxy())
  proxy.setTargets([portOf(server.address())])
  const door = await proxy.door(7)
  const dial = async () => {
    const socket = connect({ host: '127.0.0.1', port: door })
    let text = ''
    let chunks = 0
    const arrivals = new Set<() => void>()
    socket.on('data', (chunk) => {
      text += chunk.toString()
      chunks += 1
      for (const arrived of arrivals) arrived()
    })
    const closed = Promise.withResolvers<string>()
    socket.on('error', (error) => closed.resolve((error as NodeJS.ErrnoException).code ?? ''))
    socket.on('close', () => closed.resolve('closed'))
    const heard = async (length: number): Promise<string> => {
      while (text.length < length) {
        const { promise, resolve } = Promise.withResolvers<void>()
        arrivals.add(resolve)
        await promise
      }
      return text
    }
    socket.write('hello')
    await heard(5)
    return { socket, heard, closed: closed.promise, text: () => text, chunks: () => chunks }
  }
  const owned = opening.move()
  const strike = (fault: Fault): void => proxy.connections()[0]?.strike(fault)
  return { proxy, served, dial, strike, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
  return address.port
}

describe('the fault proxy', () => {
  test('hands on everything in order while nothing is struck, from an address of the client’s own', async () => {
    await using echo = await openEcho()
    const client = await echo.dial()
    const text = Array.from({ length: 20_000 }, (_, index) => `${index},`).join('')
    client.socket.write(text)
    expect(await client.heard(5 + text.length)).toBe(`hello${text}`)
    expect(echo.served[0]?.remoteAddress).toBe('127.1.0.8')
    expect(echo.proxy.connections()[0]?.greeting).toBe('hello')
    expect(echo.proxy.strikes).toEqual([])
  })

  test('reset: both ends get an RST', async () => {
    await using echo = await openEcho()
    const client = await echo.dial()
    const far = once(echo.served[0] as Socket, 'error')
    echo.strike({ kind: 'reset' })
    expect(await client.closed).toBe('ECONNRESET')
    expect(await far).toMatchObject([{ code: 'ECONNRESET' }])
    expect(echo.proxy.connections()).toEqual([])
  })

  test('hole: what is said in it is heard by nobody, and an RST ends it', async () => {
    await using echo = await openEcho()
    const client = await echo.dial()
    echo.strike({ kind: 'hole', ms: 60 })
    client.socket.write('into the hole')
    expect(await client.closed).toBe('ECONNRESET')
    expect(client.text()).toBe('hello')
  })

  test('hole, open: neither end learns that the other has gone', async () => {
    await using echo = await openEcho()
    const client = await echo.dial()
    echo.strike({ kind: 'hole', ms: 'open' })
    const far = echo.served[0] as Socket
    const farClosed = once(far, 'close')
    far.destroy()
    await farClosed
    // A second connection is served meanwhile: the time in which the first would have heard of it has passed.
    await echo.dial()
    expect(client.socket.destroyed).toBe(false)
    expect(echo.proxy.strikes).toMatchObject([{ client: 7, kind: 'hole', untilMs: Number.POSITIVE_INFINITY }])
  })

  test.each<Fault>([
    { kind: 'stall', ms: 50 },
    { kind: 'slice', bytes: 3, ms: 10_000 },
    { kind: 'throttle', bytesPerSecond: 2_000, ms: 10_000 },
    { kind: 'latency', delayMs: 20, ms: 10_000 },
  ])('$kind: late or in pieces, but whole and in order', async (fault) => {
    await using echo = await openEcho()
    const client = await echo.dial()
    echo.strike(fault)
    expect(echo.proxy.connections()[0]?.busy).toBe(true)
    const text = Array.from({ length: 60 }, (_, index) => `${index};`).join('')
    client.socket.write(text)
    expect(await client.heard(5 + text.length)).toBe(`hello${text}`)
    if (fault.kind === 'slice') expect(client.chunks()).toBeGreaterThan(5)
  })

  test('truncate: half of what the server says arrives, then an RST', async () => {
    await using echo = await openEcho()
    const client = await echo.dial()
    echo.strike({ kind: 'truncate' })
    // Until it has cut something it is at work: what is cut may be said much later.
    expect(echo.proxy.strikes[0]?.untilMs).toBe(Number.POSITIVE_INFINITY)
    client.socket.write('0123456789')
    expect(await client.closed).toBe('ECONNRESET')
    expect(client.text()).toBe('hello01234')
    expect(echo.proxy.strikes[0]?.untilMs).toBeLessThanOrEqual(Date.now())
  })

  test('without a target a client is turned away, and with one again let in', async () => {
    await using echo = await openEcho()
    const port = await echo.proxy.door(8)
    echo.proxy.setTargets([])
    const refused = connect({ host: '127.0.0.1', port })
    expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNRESET' }])
  })
})
