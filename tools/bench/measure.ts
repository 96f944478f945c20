import { sharedNowMs } from './clock.ts'
import type { RunningContender } from './contenders/contender.ts'
import type { Load, LoadSum } from './load/load.ts'
import { sumOf } from './load/load.ts'
import type { LoadCommand } from './load/load-process.ts'
import { treeCpuSeconds } from './process-tree.ts'

export interface Measured extends LoadSum {
  /** The servers' and the clients' share of the machine's cores while it lasted. */
  readonly serverCores: number
  readonly serverCpuSeconds: number
}

const cpuOf = (server: RunningContender): number =>
  server.pids.reduce((sum, pid) => sum + treeCpuSeconds(pid), 0)

/** One command to all clients, with what the servers took for it. */
export async function measure(server: RunningContender, load: Load, command: LoadCommand): Promise<Measured> {
  const cpuBefore = cpuOf(server)
  const beganMs = sharedNowMs()
  const sum = sumOf(await load.order(command))
  const serverCpuSeconds = cpuOf(server) - cpuBefore
  return { ...sum, serverCpuSeconds, serverCores: (serverCpuSeconds * 1000) / (sharedNowMs() - beganMs) }
}
