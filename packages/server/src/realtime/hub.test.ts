import { position, start, systemIdMaker, threadStream } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { createInProcessBus } from '../bus/in-process-bus.ts'
import { createHub } from './hub.ts'
import { realtimeLimits } from './limits.ts'
import { type Sources, type StreamKey, userKey } from './sources.ts'

const makeId = systemIdMaker()
const threadId = makeId('thread')
const stream = threadStream(threadId)
const userId = makeId('user')

/** A hub that no commit and no poll of its own wakes: what is heard comes from the bus. */
function openHub(heads: ReadonlyMap<StreamKey, number>) {
  const bus = createInProcessBus()
  let doubt = (): void => {}
  const asked: StreamKey[][] = []
  const sources: Sources = {
    read: async () => [],
    async heads(keys) {
      asked.push([...keys])
      return new Map([...heads].map(([key, head]) => [key, position(head)]))
    },
    onCommit: () => () => {},
  }
  const hub = createHub({
    sources,
    bus: {
      subscribe: bus.subscribe,
      onResync(listener) {
        doubt = listener
        return () => {}
      },
    },
    schedule: () => () => {},
    limits: realtimeLimits,
    onPollError(error) {
      throw error
    },
  })
  return { hub, bus, asked, resync: () => doubt() }
}

test('[B1] hints of threads and of users wake those who follow them, and nobody else', async () => {
  const { hub, bus } = openHub(new Map())
  const woken: [StreamKey, number][] = []
  for (const key of [stream, userKey(userId)])
    hub.watch(key, start, { wake: (head) => woken.push([key, head]), gone() {} })
  bus.publish({ kind: 'thread', threadId, head: position(3) })
  bus.publish({ kind: 'user', userId, head: position(4) })
  bus.publish({ kind: 'thread', threadId: makeId('thread'), head: position(5) })
  bus.publish({ kind: 'cancel', runId: makeId('run') })
  await Promise.resolve()
  expect(woken).toEqual([
    [stream, 3],
    [userKey(userId), 4],
  ])
  hub[Symbol.dispose]()
})

test('[B1] where hints may have been missed the heads are asked for at once, not at the next poll', async () => {
  const { hub, asked, resync } = openHub(new Map([[stream, 9]]))
  const woken = Promise.withResolvers<number>()
  resync()
  expect(asked).toEqual([])
  hub.watch(stream, start, { wake: (head) => woken.resolve(head), gone() {} })
  resync()
  expect(asked).toEqual([[stream]])
  expect(await woken.promise).toBe(9)
  hub[Symbol.dispose]()
})
