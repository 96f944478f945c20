import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { collect, forkServer, freePort, pidOf, saw, stop } from './child.ts'
import type { Contender, RunningContender } from './contender.ts'
import { peersDir } from './peers.ts'

/** A peer that is one Node file, keeps nothing, and is told its port. */
async function startFile(file: string): Promise<RunningContender> {
  const port = await freePort()
  const start = async (): Promise<ChildProcess> => {
    const child = forkServer(join(peersDir, file), [String(port)])
    await saw(child, /listening/)
    return child
  }
  let child = await start()
  return {
    get pids() {
      return [pidOf(child)]
    },
    target: { urls: [`http://127.0.0.1:${port}`], tokens: [] },
    collect: () => collect(child),
    async restart(signal) {
      await stop(child, signal)
      child = await start()
    },
    [Symbol.asyncDispose]: () => stop(child),
  }
}

export const socketIo: Contender = {
  name: 'Socket.IO 4.8, recovery on',
  guarantee: '2 minutes of memory; duplicates under resets; lost with the process',
  thin: 'socket-io-thin',
  product: 'socket-io-client',
  start: () => startFile('socket-io-server.ts'),
}

export const rawWs: Contender = {
  name: 'ws 8.23 alone',
  guarantee: 'none',
  thin: 'ws-thin',
  product: null,
  start: () => startFile('ws-server.ts'),
}
