import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, RunningContender } from '../contenders/contender.ts'
import { openLoad } from '../load/load.ts'
import { openFilesLimit, treeBytes } from '../process-tree.ts'
import { count, table } from '../table.ts'

export interface IdleOptions {
  readonly contenders: readonly Contender[]
  readonly peer: Contender
  readonly connections: number
}

/** Of the issue this bench answers; printed beside the figures. */
const goalKiB = 12
/** What a server has open besides its connections. */
const spareFiles = 300
/** Connected before the first look, so that what is loaded and compiled once counts to nobody. */
const warmUp = 100
const perProcess = 1_000

/**
 * Resident memory of the server with so many connections that do nothing, less what it was with a few. Clients are in
 * processes of their own, so that neither their memory nor their open files bound anything.
 */
export async function benchIdle({ contenders, peer, connections: wanted }: IdleOptions): Promise<void> {
  const files = openFilesLimit()
  const connections = Math.min(wanted, (files ?? Number.POSITIVE_INFINITY) - spareFiles - warmUp)
  console.log(
    `\n${count(connections)} idle connections, one a user; ulimit -n is ${files ?? 'unknown'}${
      connections < wanted ? `, which does not allow ${count(wanted)}: raise it` : ''
    } (goal ${goalKiB} KiB)\n`,
  )
  const found = []
  for (const contender of contenders) found.push({ contender, ...(await residentOf(contender, connections)) })
  const base = found.find(({ contender }) => contender === peer)
  console.log(
    table(
      [
        '',
        'KiB a connection',
        'KiB after a collection',
        'of which heap',
        `÷ ${peer.name.split(' ')[0]}`,
        'MiB in all',
      ],
      found.map(({ contender, asItIsKiB, collectedKiB, heapKiB, totalMiB }) => [
        contender.name,
        asItIsKiB.toFixed(1),
        collectedKiB.toFixed(1),
        heapKiB.toFixed(1),
        base === undefined ? '–' : `${(collectedKiB / base.collectedKiB).toFixed(2)}×`,
        totalMiB.toFixed(0),
      ]),
    ),
  )
}

async function residentOf(contender: Contender, connections: number) {
  await using server = await contender.start({ users: connections + warmUp, concurrent: 1 })
  const target = (await contender.prepareIdle?.(server)) ?? server.target
  await using _first = await openLoad({ receiver: contender.thin, target, users: warmUp, processes: 1 })
  const { bytes: before, heapBytes: heapBefore } = await settled(server)
  await using _rest = await openLoad({
    receiver: contender.thin,
    target,
    first: warmUp,
    users: connections,
    processes: Math.ceil(connections / perProcess),
  })
  const asItIs = residentBytes(server)
  const { bytes: collected, heapBytes } = await settled(server)
  return {
    asItIsKiB: (asItIs - before) / connections / 1024,
    collectedKiB: (collected - before) / connections / 1024,
    heapKiB: (heapBytes - heapBefore) / connections / 1024,
    totalMiB: collected / 2 ** 20,
  }
}

const residentBytes = (server: RunningContender): number =>
  server.pids.reduce((sum, pid) => sum + treeBytes(pid), 0)

/**
 * After collections, until two looks a second apart agree: an embedded database frees what its compiler took
 * (some 300 MiB) seconds after it has started.
 */
async function settled(server: RunningContender): Promise<{ bytes: number; heapBytes: number }> {
  let before = Number.POSITIVE_INFINITY
  for (let look = 0; look < looksAtMost; look += 1) {
    const heapBytes = await server.collect()
    const bytes = residentBytes(server)
    if (Math.abs(bytes - before) < before * 0.005) return { bytes, heapBytes }
    before = bytes
    await sleep(betweenLooksMs)
  }
  throw new Error(`The server's memory does not settle: ${before} bytes at the last look`)
}

const betweenLooksMs = 1_000
const looksAtMost = 60
