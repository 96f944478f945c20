import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below those that a system gives to outgoing connections: one of these could take the port of a server that restarts. */
const ports = { from: 20_000, to: 32_000 } as const

/** A port of 127.0.0.1 that was free a moment ago, and that nobody is given by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(ports.from, ports.to)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = createServer()
  probe.once('error', () => resolve(false))
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  return promise
}
