/** What the tests in chromium.test.ts run inside a page. */
import {
  createClient,
  createCursorStore,
  type IndexedDb,
  type IndexedDbTransaction,
  indexedDbCursors,
} from '@holdfast/client'
import { type ThreadId, threadStream } from '@holdfast/protocol'
import { type CursorHarness, cursorCases } from '../src/cursors.contract.ts'

interface Opening<Result> {
  readonly result: Result
  onsuccess: (() => void) | null
  onupgradeneeded: (() => void) | null
  onerror: ((event: { preventDefault(): void }) => void) | null
}
interface Store {
  add(value: unknown, key?: number): Opening<unknown>
  getAll(): Opening<unknown[]>
}
interface Transaction extends IndexedDbTransaction {
  objectStore(name: string): ReturnType<IndexedDbTransaction['objectStore']> & Store
}
interface Database extends IndexedDb<Transaction> {
  createObjectStore(name: string, options?: { autoIncrement: boolean }): unknown
  close(): void
}
// Of the page's IndexedDB what is used here: the repository is checked without the types of a DOM.
const { indexedDB } = globalThis as unknown as {
  indexedDB: { open(name: string, version: number): Opening<Database> }
}

const done = <Result>(request: Opening<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(new Error('IndexedDB refused'))
  })

function openDatabase(name: string): Promise<Database> {
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => {
    createCursorStore(opening.result)
    opening.result.createObjectStore('lines', { autoIncrement: true })
  }
  return done(opening)
}

const linesOf = (database: Database): Promise<unknown[]> =>
  done(database.transaction(['lines'], 'readwrite').objectStore('lines').getAll())

async function harness(name: string): Promise<CursorHarness<Transaction> & { readonly database: Database }> {
  const database = await openDatabase(name)
  return {
    database,
    cursors: indexedDbCursors(database, { stores: ['lines'] }),
    async write(transaction, value) {
      await done(transaction.objectStore('lines').add(value))
    },
    written: () => linesOf(database) as Promise<string[]>,
  }
}

/** @returns what went wrong; '' when all is well */
export async function runCursorCases(): Promise<string> {
  const wrong: string[] = []
  for (const [name, run] of Object.entries(cursorCases))
    await harness(`case ${name}`)
      .then(run)
      .catch((error: unknown) => wrong.push(`${name}: ${String(error)}`))
  return wrong.join('\n')
}

/** What an apply that waits for something else, and then writes, leaves behind: its cursor and its lines. */
export async function applyThatWaits(): Promise<unknown> {
  const { cursors, write, written } = await harness('waits')
  const stream = 'thread/thr_00000000000000000000000000' as const
  const to = { epoch: 'epo_1' as never, seq: 2 as never }
  const outcome = await cursors
    .commit({ stream, from: null, to }, async (transaction) => {
      await write(transaction, 'before')
      await new Promise((resolve) => setTimeout(resolve, 20))
      await write(transaction, 'after')
    })
    .then(
      () => 'committed',
      (error: unknown) => (error as Error).name,
    )
  return [outcome, await cursors.load(stream), await written()]
}

/** What a commit comes to, and what it leaves behind, where the second of two writes with one key fails. */
async function writeTwice(
  name: string,
  onError: ((event: { preventDefault(): void }) => void) | null,
): Promise<unknown> {
  const { cursors, written } = await harness(name)
  const stream = 'thread/thr_00000000000000000000000000' as const
  const to = { epoch: 'epo_1' as never, seq: 2 as never }
  const outcome = await cursors
    .commit({ stream, from: null, to }, (transaction) => {
      const lines = transaction.objectStore('lines')
      lines.add('first', 1)
      lines.add('second', 1).onerror = onError
    })
    .then(
      () => 'committed',
      (error: unknown) => (error as Error).name,
    )
  return [outcome, await cursors.load(stream), await written()]
}

export const applyThatFails = (): Promise<unknown> => writeTwice('fails', null)
export const applyThatPrevents = (): Promise<unknown> =>
  writeTwice('prevents', (event) => event.preventDefault())

/** Follows into IndexedDB up to an event, over the page's own WebSocket. */
export async function follow(url: string, token: string, threadId: ThreadId, last: number): Promise<unknown> {
  const { cursors, database } = await harness('followed')
  await using client = createClient({ url, token })
  const enough = new AbortController()
  await client.applyEvents(threadId, {
    cursors,
    apply({ seq }, transaction) {
      transaction.objectStore('lines').add(seq)
      if (seq === last) enough.abort()
    },
    signal: enough.signal,
  })
  const state = [await linesOf(database), (await cursors.load(threadStream(threadId)))?.seq]
  database.close()
  return state
}

export async function uploadWithProgress(url: string, token: string, threadId: ThreadId): Promise<unknown> {
  await using client = createClient({ url, token })
  const content = new Blob([new Uint8Array(4 * 1024 * 1024)])
  const progress: number[] = []
  const onProgress = (sentBytes: number): void => void progress.push(sentBytes)
  const { name } = await client.upload(threadId, { name: 'x.csv', content }, { onProgress })
  const aborted = await client
    .upload(threadId, { name: 'x.csv', content }, { onProgress, signal: AbortSignal.abort() })
    .catch((error: unknown) => (error as Error).name)
  return {
    name,
    last: progress.at(-1),
    rising: progress.every((bytes, index) => bytes >= (progress[index - 1] ?? 0)),
    aborted,
  }
}
