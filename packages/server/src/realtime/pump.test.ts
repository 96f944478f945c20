import { position, type StoredEvent } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { createPump, type PumpPort } from './pump.ts'

describe('the pump', () => {
  const port = (given: Partial<PumpPort>): PumpPort & { readonly log: string[] } => {
    const log: string[] = []
    return {
      log,
      read: async () => [],
      send: (events) => void log.push(`send ${events.map(({ seq }) => seq).join()}`),
      live: (at) => void log.push(`live ${at}`),
      writable: () => true,
      failed: (error) => void log.push(String(error)),
      ...given,
    }
  }
  const event = (seq: number): StoredEvent => ({ seq: position(seq) }) as StoredEvent

  test('a gap in what the log gives ends it instead of being handed on', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const gap = port({ read: async () => [event(1), event(3)], failed: resolve })
    createPump(position(0), gap).wake()
    expect(String(await promise)).toContain('gave 3 where 2 follows')
    expect(gap.log).toEqual([])
  })

  test('a head that is not ahead causes no read', () => {
    let reads = 0
    const pump = createPump(
      position(7),
      port({
        read: async () => {
          reads += 1
          return []
        },
      }),
    )
    pump.wake(position(7))
    pump.wake(position(3))
    expect(reads).toBe(0)
    pump.wake(position(8))
    expect(reads).toBe(1)
  })

  test('what is read after a stop is not sent', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly StoredEvent[]>()
    const stopped = port({ read: () => promise })
    const pump = createPump(position(0), stopped)
    pump.wake()
    pump.stop()
    resolve([event(1)])
    await promise
    await Promise.resolve()
    expect(stopped.log).toEqual([])
  })
})
