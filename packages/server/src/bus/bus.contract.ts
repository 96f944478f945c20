import { position, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { Bus, Hint } from './bus.ts'

/** Nodes of one store, and what can happen between them. */
export interface BusHarness extends AsyncDisposable {
  /** Two nodes; of a bus within one process, twice the same. */
  readonly here: Bus
  readonly there: Bus
}

/** Nodes with something between them that can fail. */
export interface CuttableBusHarness extends BusHarness {
  /** Cuts off `there` for real; resolves when it is. */
  cut(): Promise<void>
  /** From here on it can come back, and does so by itself. */
  mend(): Promise<void>
}

const makeId = systemIdMaker()

const thread = (head = 1): Hint => ({ kind: 'thread', threadId: makeId('thread'), head: position(head) })

function hearing(bus: Bus): Hint[] {
  const heard: Hint[] = []
  bus.subscribe((hint) => heard.push(hint))
  return heard
}

/** What every bus does. Nothing here asks for more than B1 lets a bus lose, but where nothing is wrong hints arrive. */
export function busContract(name: string, open: () => Promise<BusHarness>): void {
  describe(name, () => {
    test('[B1] a hint of each kind reaches both nodes as it was', async () => {
      await using harness = await open()
      const { here, there } = harness
      const [own, others] = [hearing(here), hearing(there)]
      const hints: readonly Hint[] = [
        thread(17),
        { kind: 'user', userId: makeId('user'), head: position(Number.MAX_SAFE_INTEGER) },
        { kind: 'queued' },
        { kind: 'cancel', runId: makeId('run') },
        { kind: 'revoked', userId: makeId('user') },
      ]
      for (const hint of hints) here.publish(hint)
      await expect.poll(() => others.length).toBeGreaterThanOrEqual(hints.length)
      // In any order: that of different hints says nothing.
      expect(others).toEqual(expect.arrayContaining([...hints]))
      expect(own).toEqual(expect.arrayContaining([...hints]))
      expect(new Set(others.map((hint) => JSON.stringify(hint))).size).toBe(hints.length)
    })

    test('[B1] of a thread the newest head arrives, however many came before it', async () => {
      await using harness = await open()
      const heard = hearing(harness.there)
      const threadIds = Array.from({ length: 500 }, () => makeId('thread'))
      for (let head = 1; head <= 20; head += 1)
        for (const threadId of threadIds)
          harness.here.publish({ kind: 'thread', threadId, head: position(head) })
      const heads = (): ReadonlyMap<string, number> => {
        const newest = new Map<string, number>()
        for (const hint of heard)
          if (hint.kind === 'thread')
            newest.set(hint.threadId, Math.max(hint.head, newest.get(hint.threadId) ?? 0))
        return newest
      }
      await expect
        .poll(() => threadIds.filter((id) => heads().get(id) === 20).length, { timeout: 10_000 })
        .toBe(threadIds.length)
    })

    test('[B1] publish runs no subscriber before it returns', async () => {
      await using harness = await open()
      const { here } = harness
      const heard = hearing(here)
      here.publish(thread())
      expect(heard).toEqual([])
      await expect.poll(() => heard.length).toBe(1)
    })

    test('one listener may subscribe twice and end either', async () => {
      await using harness = await open()
      const { here, there } = harness
      let calls = 0
      const listener = (): void => {
        calls += 1
      }
      const end = there.subscribe(listener)
      there.subscribe(listener)
      end()
      end()
      const others = hearing(there)
      here.publish(thread())
      await expect.poll(() => others.length).toBe(1)
      expect(calls).toBe(1)
    })

    test('after its end a bus hears and says nothing, throws nothing, and ends again', async () => {
      await using harness = await open()
      const { here, there } = harness
      const [own, others] = [hearing(here), hearing(there)]
      await there[Symbol.asyncDispose]()
      here.publish(thread(1))
      there.publish(thread(2))
      if (here !== there) await expect.poll(() => own.length).toBe(1)
      await here[Symbol.asyncDispose]()
      here.publish(thread(3))
      await here[Symbol.asyncDispose]()
      await Promise.resolve()
      expect(own.map((hint) => hint.kind === 'thread' && hint.head)).toEqual(here === there ? [] : [1])
      expect(others).toEqual([])
    })
  })
}

/** What every bus between processes does besides. */
export function cuttableBusContract(name: string, open: () => Promise<CuttableBusHarness>): void {
  busContract(name, open)
  describe(name, () => {
    test('what a node said last reaches the others before it is gone', async () => {
      await using harness = await open()
      const heard = hearing(harness.there)
      harness.here.publish({ kind: 'queued' })
      await harness.here[Symbol.asyncDispose]()
      await expect.poll(() => heard).toEqual([{ kind: 'queued' }])
    })

    test('[B1] who was cut off says so when it is back, and hears again', async () => {
      await using harness = await open()
      const { here, there, cut, mend } = harness
      let resyncs = 0
      there.onResync(() => {
        resyncs += 1
      })
      const heard = hearing(there)
      await cut()
      // Lost or late, but neither thrown nor waited for.
      for (let head = 1; head <= 100; head += 1) there.publish(thread(head))
      here.publish(thread(1))
      await mend()
      await expect.poll(() => resyncs, { timeout: 20_000 }).toBeGreaterThan(0)
      const again = thread(42)
      await expect
        .poll(
          () => {
            here.publish(again)
            return heard.some((hint) => JSON.stringify(hint) === JSON.stringify(again))
          },
          { timeout: 20_000 },
        )
        .toBe(true)
    })
  })
}
