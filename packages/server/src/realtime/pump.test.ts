import { HoldfastError, position } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { createPump, PositionInDoubtError, type PumpPort } from './pump.ts'
import type { Item, Page } from './tail.ts'

const item = (seq: number): Item => ({ seq: position(seq), json: '{}', bytes: 2 })
const upTo = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, index) => item(from + 1 + index))
const end: Page = { items: [], more: false, asked: true }

describe('the pump', () => {
  const port = (given: Partial<PumpPort>): PumpPort & { readonly log: string[] } => {
    const log: string[] = []
    return {
      log,
      read: async () => end,
      send: (items) => void log.push(`send ${items.map(({ seq }) => seq).join()}`),
      live: (at) => void log.push(`live ${at}`),
      writable: () => true,
      inTurn: (task) => task(),
      waiting: (is) => void log.push(is ? 'waits' : 'sleeps'),
      failed: (error) => void log.push(String(error)),
      ...given,
    }
  }
  /** A stream of so many items, read in pages of 4, and a promise for when the pump rests. */
  const reading = (head: number, given: Partial<PumpPort> = {}) => {
    let rested = Promise.withResolvers<void>()
    const log: string[] = []
    const reads: number[] = []
    const made = port({
      async read(after, most) {
        reads.push(after)
        const items = upTo(after, Math.min(head, after + Math.min(most, 4)))
        return { items, more: items.length > 0, asked: true }
      },
      send: (items) => void log.push(`send ${items.map(({ seq }) => seq).join()}`),
      live: (at) => void log.push(`live ${at}`),
      waiting(is) {
        log.push(is ? 'waits' : 'sleeps')
        rested.resolve()
      },
      ...given,
    })
    const rest = async (): Promise<void> => {
      await rested.promise
      rested = Promise.withResolvers<void>()
    }
    return { port: made, log, reads, rest }
  }

  test('[B1] while the database is away the pump waits to be woken, and then sends what it owes', async () => {
    let away = false
    let head = 4
    const { port: stream, log, rest } = reading(0)
    const pump = createPump(position(0), 100, {
      ...stream,
      async read(after) {
        if (away) throw new HoldfastError('not_ready', 'away')
        return { items: upTo(after, head), more: false, asked: true }
      },
    })
    pump.wake()
    await rest()
    away = true
    head = 6
    pump.wake(position(head))
    await rest()
    away = false
    pump.wake(position(head))
    await rest()
    expect(log).toEqual(['send 1,2,3,4', 'live 4', 'sleeps', 'sleeps', 'send 5,6', 'sleeps'])
  })

  test('[B1] one that could not read from its beginning on says live once it can', async () => {
    let away = true
    const { port: stream, log, rest } = reading(2)
    const pump = createPump(position(2), 100, {
      ...stream,
      read: (after, most) =>
        away ? Promise.reject(new HoldfastError('not_ready', 'away')) : stream.read(after, most),
    })
    pump.wake()
    await rest()
    away = false
    pump.wake(position(2))
    await rest()
    expect(log).toEqual(['sleeps', 'live 2', 'sleeps'])
  })

  test('a gap in what the stream gives ends it instead of being handed on', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const gap = port({
      read: async () => ({ items: [item(1), item(3)], more: false, asked: true }),
      failed: resolve,
    })
    createPump(position(0), 100, gap).wake()
    const error = await promise
    expect(error).toBeInstanceOf(PositionInDoubtError)
    expect(String(error)).toContain('gave 3 where 2 follows')
    expect(gap.log).toEqual([])
  })

  test('a head that is not ahead causes no read', () => {
    let reads = 0
    const pump = createPump(
      position(7),
      100,
      port({
        read: async () => {
          reads += 1
          return end
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
    const { promise, resolve } = Promise.withResolvers<Page>()
    const stopped = port({ read: () => promise })
    const pump = createPump(position(0), 100, stopped)
    pump.wake()
    pump.stop()
    resolve({ items: [item(1)], more: false, asked: true })
    await promise
    await Promise.resolve()
    expect(stopped.log).toEqual([])
  })

  test('[U4] sends no more than the window beyond what was acknowledged, and goes on as it opens', async () => {
    const stream = reading(12)
    const pump = createPump(position(0), 6, stream.port)
    pump.wake()
    await stream.rest()
    expect(stream.log).toEqual(['send 1,2,3,4', 'send 5,6', 'waits'])
    expect(pump.acknowledge(position(3))).toBe('advanced')
    await stream.rest()
    expect(stream.log.slice(3)).toEqual(['send 7,8,9', 'waits'])
    expect(pump.acknowledge(position(9))).toBe('advanced')
    await stream.rest()
    expect(stream.log.slice(5)).toEqual(['send 10,11,12', 'live 12', 'sleeps'])
  })

  test('[U4] an ack of what was not sent is told from one that says nothing new', async () => {
    const stream = reading(3)
    const pump = createPump(position(0), 10, stream.port)
    pump.wake()
    await stream.rest()
    expect(pump.acknowledge(position(4))).toBe('ahead')
    expect(pump.acknowledge(position(3))).toBe('advanced')
    expect(pump.acknowledge(position(3))).toBe('old')
    expect(pump.acknowledge(position(2))).toBe('old')
  })

  test('[T2] is not live on the word of the ring alone: it asks once itself', async () => {
    const pages: Page[] = [
      { items: [item(1)], more: false, asked: false },
      { items: [item(2)], more: false, asked: true },
    ]
    const stream = reading(0, { read: async () => pages.shift() ?? end })
    createPump(position(0), 10, stream.port).wake()
    await stream.rest()
    expect(stream.log).toEqual(['send 1', 'send 2', 'live 2', 'sleeps'])
  })

  test('waits for its turn, and then looks again whether it may', async () => {
    const turn = Promise.withResolvers<void>()
    let writable = true
    const stream = reading(2, {
      writable: () => writable,
      inTurn: async (task) => {
        await turn.promise
        await task()
      },
    })
    createPump(position(0), 10, stream.port).wake()
    writable = false
    turn.resolve()
    await stream.rest()
    expect(stream.reads).toEqual([])
    expect(stream.log).toEqual(['waits'])
  })
})
