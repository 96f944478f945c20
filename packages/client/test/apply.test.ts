import { position, type StoredEvent, type Stream, type ThreadId, threadStream } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CursorStore, createMemoryCursors, type HoldfastClient } from '../src/index.ts'
import { type FakeServer, makeId, openFakeServer } from './fake-server.test-support.ts'
import { connect, from1 } from './reading.test-support.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

/** What is applied, in its order, up to the one of that place. */
async function appliedUntil(
  last: number,
  client: HoldfastClient,
  threadId: ThreadId,
  cursors: CursorStore,
): Promise<readonly number[]> {
  const applied: number[] = []
  const done = new AbortController()
  await client.applyEvents(threadId, {
    cursors,
    apply({ seq }) {
      applied.push(seq)
      if (seq === last) done.abort()
    },
    signal: done.signal,
  })
  return applied
}

/** What two clients apply on one store, in its order; so many events come at once, when those before are applied. */
async function appliedByTwo(
  server: FakeServer,
  { last, atOnce }: { readonly last: number; readonly atOnce: number },
): Promise<readonly number[]> {
  await using one = connect(server)
  await using other = connect(server)
  const state: number[] = []
  const done = new AbortController()
  const options = {
    cursors: createMemoryCursors(),
    apply({ seq }: StoredEvent) {
      state.push(seq)
      if (seq === last) done.abort()
      else if (seq % atOnce === 0) server.append(atOnce)
    },
    signal: done.signal,
  }
  server.append(atOnce)
  await Promise.all([one, other].map((client) => client.applyEvents(server.threadId, options)))
  return state
}

describe('[K1] applied state and its cursor', () => {
  /** Applies into an array until `count` are there, and dies after `dieAt` of them if that is said. */
  const applyTo = async (
    server: FakeServer,
    cursors: CursorStore,
    state: StoredEvent[],
    { count, dieAt }: { readonly count: number; readonly dieAt?: number },
  ): Promise<void> => {
    await using client = connect(server)
    const done = new AbortController()
    await client.applyEvents(server.threadId, {
      cursors,
      apply(event) {
        if (state.length === dieAt) throw new Error('died')
        state.push(event)
        if (state.length === count) done.abort()
      },
      signal: done.signal,
    })
  }

  test('a client that is stopped and started again has applied exactly the log', async () => {
    await using server = await openFakeServer()
    const cursors = createMemoryCursors()
    const state: StoredEvent[] = []
    server.append(300)
    await applyTo(server, cursors, state, { count: 300 })
    server.append(400)
    server.cut()
    await applyTo(server, cursors, state, { count: 700 })
    expect(state.map(({ seq }) => seq)).toEqual(from1(700))
    expect(await cursors.load(threadStream(server.threadId))).toEqual({ epoch: server.epoch, seq: 700 })
  })

  test('what fails to apply is thrown, and the cursor has not moved', async () => {
    await using server = await openFakeServer()
    const cursors = createMemoryCursors()
    server.append(10)
    await expect(applyTo(server, cursors, [], { count: 10, dieAt: 4 })).rejects.toThrow('died')
    expect(await cursors.load(threadStream(server.threadId))).toBeNull()
  })

  test('[K2] two clients on one store apply each event once between them', async () => {
    await using server = await openFakeServer()
    expect(await appliedByTwo(server, { last: 500, atOnce: 50 })).toEqual(from1(500))
  })

  test('[K2] who is always second does not ask the server for it: its commands are counted', async () => {
    await using server = await openFakeServer()
    expect(await appliedByTwo(server, { last: 300, atOnce: 1 })).toEqual(from1(300))
    expect(server.received.filter(({ type }) => type === 'sub')).toEqual([])
  })

  test('[K2] a cursor that somebody else has set back is gone on from', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(20)
    const inner = createMemoryCursors()
    const stream: Stream = threadStream(server.threadId)
    const at = (seq: number) => ({ epoch: server.epoch, seq: position(seq) })
    await inner.commit({ stream, from: null, to: at(15) }, () => {})
    let commits = 0
    const cursors: CursorStore = {
      load: inner.load,
      async commit(move, apply) {
        commits += 1
        if (commits === 1) await inner.commit({ stream, from: at(15), to: at(10) }, () => {})
        await inner.commit(move, apply)
      },
    }
    expect(await appliedUntil(20, client, server.threadId, cursors)).toEqual(from1(20).slice(10))
  })

  test('a client that is closed while the cursor is loaded ends quietly', async () => {
    await using server = await openFakeServer()
    const client = connect(server)
    const inner = createMemoryCursors()
    const cursors: CursorStore = {
      ...inner,
      async load(stream) {
        await client[Symbol.asyncDispose]()
        return inner.load(stream)
      },
    }
    await client.applyEvents(server.threadId, { cursors, apply: () => {} })
    await expect(client.applyEvents(server.threadId, { cursors, apply: () => {} })).rejects.toThrow('closed')
  })

  test('[K2] a cursor that somebody else has moved is loaded again', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(20)
    const inner = createMemoryCursors()
    let commits = 0
    const cursors: CursorStore = {
      load: inner.load,
      async commit(move, apply) {
        commits += 1
        const { stream, from } = move
        if (commits === 1)
          await inner.commit({ stream, from, to: { epoch: server.epoch, seq: position(10) } }, () => {})
        await inner.commit(move, apply)
      },
    }
    expect(await appliedUntil(20, client, server.threadId, cursors)).toEqual(from1(20).slice(10))
  })

  test('[L6] a reset replaces state and cursor together', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const cursors = createMemoryCursors()
    const stream: Stream = threadStream(server.threadId)
    await cursors.commit({ stream, from: null, to: { epoch: makeId('epoch'), seq: position(90) } }, () => {})
    server.append(5)
    let state = ['of another log']
    const done = new AbortController()
    await client.applyEvents(server.threadId, {
      cursors,
      apply({ seq }) {
        state.push(`event ${seq}`)
        if (seq === 5) done.abort()
      },
      onReset: async ({ reason }) => ({
        cursor: { epoch: server.epoch, seq: position(3) },
        apply() {
          state = [`snapshot after ${reason}`]
        },
      }),
      signal: done.signal,
    })
    expect(state).toEqual(['snapshot after epoch_changed', 'event 4', 'event 5'])
    expect(await cursors.load(stream)).toEqual({ epoch: server.epoch, seq: 5 })
  })
})
