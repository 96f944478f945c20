import type { NewEvent, Position, RunId, StoredEvent, ThreadId } from '@holdfast/protocol'
import { HoldfastError, limits, position, start, systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppendCommand, EventLog } from './event-log.ts'
import { LeaseLostError } from './event-log.ts'

/** A log, and the rows beside it that its rules speak of. */
export interface EventLogHarness extends AsyncDisposable {
  readonly log: EventLog
  createThread(): Promise<ThreadId>
  createRun(threadId: ThreadId): Promise<RunId>
  /** A worker takes the run under this lease, as a claim does; null: the run is no longer running. */
  setLease(runId: RunId, leaseEpoch: number | null): Promise<void>
}

const makeId = systemIdMaker()
const everything = { events: 100_000, bytes: Number.MAX_SAFE_INTEGER }

export const delta = (text: string): NewEvent => ({
  type: 'message_delta',
  data: { messageId: makeId('message'), text },
})

const textOf = (event: StoredEvent | undefined): string | undefined =>
  event?.type === 'message_delta' ? event.data.text : undefined
const places = (events: readonly StoredEvent[]): number[] => events.map(({ seq }) => seq)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
const jsonBytes = (events: readonly StoredEvent[]): number =>
  events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0)

/** What every event log does (architecture.md, L1 to L7). */
export function eventLogContract(name: string, open: () => Promise<EventLogHarness>): void {
  describe(`${name}`, () => {
    let harness: EventLogHarness
    let log: EventLog
    beforeAll(async () => {
      harness = await open()
      log = harness.log
    })
    afterAll(() => harness[Symbol.asyncDispose]())

    const newRun = async (): Promise<Pick<AppendCommand, 'threadId' | 'runId' | 'agent' | 'fence'>> => {
      const threadId = await harness.createThread()
      return { threadId, runId: await harness.createRun(threadId), agent: 'tester', fence: null }
    }

    test('stores events and gives back what a reader reads', async () => {
      const run = await newRun()
      const stored = await log.append({ ...run, producerKey: 'a', events: [delta('one'), delta('two')] })
      const read = await log.read(run.threadId, start, everything)
      expect(read).toEqual(stored)
      expect(places(read)).toEqual([1, 2])
      expect(read.map(textOf)).toEqual(['one', 'two'])
      const [first] = read
      expect(first).toMatchObject({ threadId: run.threadId, runId: run.runId, agent: 'tester' })
      expect(first?.id).toMatch(/^evt_[0-9A-Z]{26}$/)
      expect(first?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(await log.readRun(run.runId)).toEqual(stored)
    })

    test('[L2] 64 appenders on one thread leave no gap, and each append stays together', async () => {
      const run = await newRun()
      const results = await Promise.all(
        upTo(64).map((index) =>
          log.append({ ...run, producerKey: `${index}`, events: [delta(`${index}`), delta(`${index}`)] }),
        ),
      )
      const read = await log.read(run.threadId, start, everything)
      expect(places(read)).toEqual(upTo(128))
      for (const stored of results) expect(Number(stored[1]?.seq)).toBe(Number(stored[0]?.seq) + 1)
    })

    test('[L2] 64 appenders on 16 threads leave no gap in any', async () => {
      const runs = await Promise.all(upTo(16).map(newRun))
      await Promise.all(
        upTo(64).flatMap((index) => {
          const run = runs[index % runs.length]
          if (run === undefined) return []
          return upTo(5).map((part) =>
            log.append({ ...run, producerKey: `${index}.${part}`, events: [delta('x')] }),
          )
        }),
      )
      for (const { threadId } of runs)
        expect(places(await log.read(threadId, start, everything))).toEqual(upTo(20))
    })

    test('[L1] [L2] a reader that polls while 32 append sees every place in order, and never a gap', async () => {
      const run = await newRun()
      const total = 320
      let cursor: Position = start
      const seen: number[] = []
      const follow = (async () => {
        while (seen.length < total) {
          const page = await log.read(run.threadId, cursor, { events: 50, bytes: limits.eventsPageBytes })
          seen.push(...places(page))
          cursor = page.at(-1)?.seq ?? cursor
        }
      })()
      await Promise.all(
        upTo(32).map(async (appender) => {
          for (const part of upTo(10))
            await log.append({ ...run, producerKey: `${appender}.${part}`, events: [delta('x')] })
        }),
      )
      await follow
      expect(seen).toEqual(upTo(total))
    })

    test('[L4] a worker whose lease was taken over is refused, and writes nothing', async () => {
      const run = await newRun()
      const under = (leaseEpoch: number): AppendCommand['fence'] => ({ runId: run.runId, leaseEpoch })
      await harness.setLease(run.runId, 1)
      await log.append({ ...run, fence: under(1), producerKey: '1.1', events: [delta('first')] })
      await harness.setLease(run.runId, 2)
      const late = log.append({ ...run, fence: under(1), producerKey: '1.2', events: [delta('late')] })
      await expect(late).rejects.toBeInstanceOf(LeaseLostError)
      await log.append({ ...run, fence: under(2), producerKey: '2.1', events: [delta('second')] })
      const read = await log.read(run.threadId, start, everything)
      expect(read.map(textOf)).toEqual(['first', 'second'])
      expect(places(read)).toEqual([1, 2])
    })

    test('[L4] a run that no longer runs takes no more events under its last lease', async () => {
      const run = await newRun()
      await harness.setLease(run.runId, 1)
      await harness.setLease(run.runId, null)
      const fence = { runId: run.runId, leaseEpoch: 1 }
      const late = log.append({ ...run, fence, producerKey: 'late', events: [delta('late')] })
      await expect(late).rejects.toBeInstanceOf(LeaseLostError)
      expect(await log.heads([run.threadId])).toEqual(new Map([[run.threadId, 0]]))
    })

    test('[L4] with appends under way during a take-over, none of the old lease comes after it', async () => {
      const run = await newRun()
      await harness.setLease(run.runId, 1)
      const old = upTo(40).map((index) =>
        log
          .append({
            ...run,
            fence: { runId: run.runId, leaseEpoch: 1 },
            producerKey: `1.${index}`,
            events: [delta('old')],
          })
          .then(
            () => 'stored',
            (error: unknown) => (error instanceof LeaseLostError ? 'lease lost' : error),
          ),
      )
      await harness.setLease(run.runId, 2)
      const [taken] = await log.append({
        ...run,
        fence: { runId: run.runId, leaseEpoch: 2 },
        producerKey: '2.1',
        events: [delta('new')],
      })
      const outcomes = await Promise.all(old)
      expect(outcomes.filter((outcome) => outcome !== 'stored' && outcome !== 'lease lost')).toEqual([])
      const read = await log.read(run.threadId, start, everything)
      expect(read.at(-1)?.id).toBe(taken?.id)
      expect(read.filter((event) => textOf(event) === 'old')).toHaveLength(
        outcomes.filter((outcome) => outcome === 'stored').length,
      )
    })

    test('[L5] a retry under the same key returns what the first write stored', async () => {
      const run = await newRun()
      const first = await log.append({ ...run, producerKey: 'k', events: [delta('a'), delta('b')] })
      await log.append({ ...run, producerKey: 'between', events: [delta('c')] })
      const again = await log.append({ ...run, producerKey: 'k', events: [delta('other')] })
      expect(again).toEqual(first)
      expect(await log.heads([run.threadId])).toEqual(new Map([[run.threadId, 3]]))
    })

    test('[L5] a key that begins like another is another', async () => {
      const run = await newRun()
      const first = await log.append({ ...run, producerKey: 'k', events: [delta('a')] })
      await log.append({ ...run, producerKey: 'k/0', events: [delta('b')] })
      await log.append({ ...run, producerKey: 'k1', events: [delta('c')] })
      expect(await log.append({ ...run, producerKey: 'k', events: [delta('a')] })).toEqual(first)
    })

    test('[L5] the same key in another run is another write', async () => {
      const one = await newRun()
      const other = { ...one, runId: await harness.createRun(one.threadId) }
      await log.append({ ...one, producerKey: 'k', events: [delta('a')] })
      const [stored] = await log.append({ ...other, producerKey: 'k', events: [delta('b')] })
      expect(stored?.seq).toBe(2)
    })

    test('[L5] of 32 retries at the same moment one is stored, and all return it', async () => {
      const run = await newRun()
      const results = await Promise.all(
        upTo(32).map(() => log.append({ ...run, producerKey: 'k', events: [delta('once')] })),
      )
      expect(new Set(results.map((events) => events[0]?.id)).size).toBe(1)
      expect(places(await log.read(run.threadId, start, everything))).toEqual([1])
    })

    test('[L4] a retry under a lost lease is refused: its worker must stop before it acts again', async () => {
      const run = await newRun()
      await harness.setLease(run.runId, 1)
      const fence = { runId: run.runId, leaseEpoch: 1 }
      await log.append({ ...run, fence, producerKey: 'k', events: [delta('a')] })
      await harness.setLease(run.runId, 2)
      const retry = log.append({ ...run, fence, producerKey: 'k', events: [delta('a')] })
      await expect(retry).rejects.toBeInstanceOf(LeaseLostError)
    })

    test('commands that are refused cost their neighbours nothing', async () => {
      const run = await newRun()
      const leased = { ...run, runId: await harness.createRun(run.threadId) }
      await harness.setLease(leased.runId, 5)
      await log.append({ ...run, producerKey: 'first', events: [delta('0')] })
      const outcomes = await Promise.allSettled([
        log.append({ ...run, producerKey: 'a', events: [delta('1')] }),
        log.append({
          ...leased,
          fence: { runId: leased.runId, leaseEpoch: 4 },
          producerKey: 'lost',
          events: [delta('lease lost')],
        }),
        log.append({ ...run, threadId: makeId('thread'), producerKey: 'm', events: [delta('no thread')] }),
        log.append({ ...run, producerKey: 'first', events: [delta('repeated')] }),
        log.append({
          ...leased,
          fence: { runId: leased.runId, leaseEpoch: 5 },
          producerKey: 'held',
          events: [delta('2'), delta('3')],
        }),
        log.append({ ...run, producerKey: 'b', events: [delta('4')] }),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
        'fulfilled',
        'fulfilled',
      ])
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      expect(reasons[0]).toBeInstanceOf(LeaseLostError)
      expect(reasons[1]).toMatchObject({ code: 'not_found' })
      const read = await log.read(run.threadId, start, everything)
      expect(read.map(textOf)).toEqual(['0', '1', '2', '3', '4'])
      expect(places(read)).toEqual(upTo(5))
    })

    test('an append of more events than a group holds is stored whole', async () => {
      const run = await newRun()
      const events = upTo(700).map((index) => delta(`${index}`))
      const [stored, next] = await Promise.all([
        log.append({ ...run, producerKey: 'many', events }),
        log.append({ ...run, producerKey: 'next', events: [delta('next')] }),
      ])
      expect(places(stored)).toEqual(upTo(700))
      expect(places(next)).toEqual([701])
    })

    test('[L7] an event is at most limits.eventBytes of JSON text, envelope included', async () => {
      const run = await newRun()
      const bytesOf = async (length: number): Promise<number> => {
        const stored = await log.append({
          ...run,
          producerKey: `${length}`,
          events: [delta('x'.repeat(length))],
        })
        return jsonBytes(stored)
      }
      const emptyBytes = await bytesOf(0)
      // The place is counted with all the digits it may come to have.
      const spare = String(Number.MAX_SAFE_INTEGER).length - 1
      const fits = limits.eventBytes - emptyBytes - spare
      expect(await bytesOf(fits)).toBeLessThanOrEqual(limits.eventBytes)
      await expect(bytesOf(fits + 1)).rejects.toMatchObject({ code: 'payload_too_large' })
      // Bytes, not characters: each of these is two.
      await expect(
        log.append({ ...run, producerKey: 'wide', events: [delta('é'.repeat(fits / 2 + 1))] }),
      ).rejects.toBeInstanceOf(HoldfastError)
      expect(await log.heads([run.threadId])).toEqual(new Map([[run.threadId, 2]]))
    })

    test.each([
      ['U+0000', 'a\u0000b'],
      ['characters outside the basic plane', '😀𝒳'],
      ['half a surrogate pair', 'a\ud800b'],
      ['quotes, backslashes and what looks like an escape', '"\\\\u0000\\n\n\u2028'],
    ])('keeps %s', async (_, text) => {
      const run = await newRun()
      await log.append({ ...run, producerKey: 'k', events: [delta(text)] })
      const [read] = await log.read(run.threadId, start, everything)
      expect(textOf(read)).toBe(text)
    })

    test('keeps the data as it was when the append was called', async () => {
      const run = await newRun()
      const data = { messageId: makeId('message'), text: 'before' }
      const append = log.append({ ...run, producerKey: 'k', events: [{ type: 'message_delta', data }] })
      data.text = 'after'
      await append
      const [read] = await log.read(run.threadId, start, everything)
      expect(textOf(read)).toBe('before')
    })

    test('reads after a place, at most so many events', async () => {
      const run = await newRun()
      await log.append({ ...run, producerKey: 'k', events: upTo(10).map((index) => delta(`${index}`)) })
      const page = await log.read(run.threadId, position(3), { events: 4, bytes: 1_000_000 })
      expect(places(page)).toEqual([4, 5, 6, 7])
      expect(await log.read(run.threadId, position(10), everything)).toEqual([])
      expect(await log.read(run.threadId, position(99), everything)).toEqual([])
      expect(await log.read(makeId('thread'), start, everything)).toEqual([])
    })

    test('reads at most so many bytes of JSON text, but one event at least', async () => {
      const run = await newRun()
      await log.append({
        ...run,
        producerKey: 'k',
        events: ['small', 'é'.repeat(2_000), 'x'.repeat(4_000), 'small'].map(delta),
      })
      const all = await log.read(run.threadId, start, everything)
      for (const bytes of [1, 5_000, 9_000, jsonBytes(all) - 1]) {
        const page = await log.read(run.threadId, start, { events: 100, bytes })
        expect(page).toEqual(all.slice(0, page.length))
        expect(page.length).toBeGreaterThan(0)
        if (page.length > 1) expect(jsonBytes(page)).toBeLessThanOrEqual(bytes)
        // What was left out did not fit: its place is counted with up to 15 digits more than it has.
        expect(jsonBytes(all.slice(0, page.length + 1)) + 15 * (page.length + 1)).toBeGreaterThan(bytes)
      }
    })

    test('heads are those of the threads that exist', async () => {
      const [one, two] = [await newRun(), await newRun()]
      await log.append({ ...one, producerKey: 'k', events: [delta('a'), delta('b')] })
      const heads = await log.heads([one.threadId, makeId('thread'), two.threadId])
      expect(heads).toEqual(
        new Map([
          [one.threadId, 2],
          [two.threadId, 0],
        ]),
      )
      expect(await log.heads([])).toEqual(new Map())
    })

    test('[L1] [B1] a listener hears of a new head when a reader can read up to it, and of nothing else', async () => {
      const run = await newRun()
      const other = await newRun()
      const heard: { readonly head: Position; readonly readable: Promise<readonly StoredEvent[]> }[] = []
      const told: StoredEvent[] = []
      const stop = log.onCommit((threadId, events) => {
        if (threadId !== run.threadId) return
        told.push(...events)
        const head = events.at(-1)?.seq ?? start
        heard.push({ head, readable: log.read(threadId, start, everything) })
      })
      await log.append({ ...run, producerKey: 'a', events: [delta('a'), delta('b')] })
      await log.append({ ...other, producerKey: 'a', events: [delta('a')] })
      await log.append({ ...run, producerKey: 'b', events: [delta('c')] })
      // Neither a retry nor a refusal is a commit.
      await log.append({ ...run, producerKey: 'b', events: [delta('c')] })
      await log
        .append({
          ...run,
          fence: { runId: run.runId, leaseEpoch: 9 },
          producerKey: 'c',
          events: [delta('d')],
        })
        .catch(() => null)
      stop()
      await log.append({ ...run, producerKey: 'd', events: [delta('e')] })
      expect(heard.map(({ head }) => head)).toEqual([2, 3])
      // What a follower is given from a commit is what it would have read.
      expect(told).toEqual((await log.read(run.threadId, start, everything)).slice(0, 3))
      for (const { head, readable } of heard)
        expect(places(await readable).slice(0, head)).toEqual(upTo(head))
    })

    test('the epoch is an id', () => {
      expect(log.epoch).toMatch(/^epo_[0-9A-Z]{26}$/)
    })
  })
}
