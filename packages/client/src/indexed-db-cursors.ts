import type { Cursor, CursorStore } from './cursors.ts'
import { sameCursor } from './cursors.ts'
import { HoldfastCursorError } from './errors.ts'

/** What is used of IndexedDB, so that Node needs no DOM types; a browser's IDBDatabase is one of these. */
interface Request<Result> {
  readonly result: Result
  readonly error: unknown
  addEventListener(type: 'success' | 'error', listener: () => void): void
}

interface ObjectStore {
  // biome-ignore lint/suspicious/noExplicitAny: IndexedDB's own type, to which a narrower one is not assignable
  get(key: string): Request<any>
  put(value: unknown, key: string): unknown
}

export interface IndexedDbTransaction {
  readonly error: unknown
  abort(): void
  objectStore(name: string): ObjectStore
  addEventListener(type: 'complete' | 'abort', listener: () => void): void
}

export interface IndexedDb<Transaction extends IndexedDbTransaction> {
  transaction(stores: string[], mode: 'readwrite'): Transaction
  createObjectStore(name: string): unknown
}

/** The object store that this package keeps in the caller's database. */
const storeName = 'holdfast_cursors'

/** For the caller's `onupgradeneeded`. */
export function createCursorStore(
  database: Pick<IndexedDb<IndexedDbTransaction>, 'createObjectStore'>,
): void {
  database.createObjectStore(storeName)
}

/**
 * Cursors in the caller's own IndexedDB database, because a transaction does not reach beyond one.
 *
 * @param stores the object stores that `apply` writes to. It may wait for requests of its transaction and for nothing
 *   else: IndexedDB closes a transaction to whoever does, and then nothing of it is kept (K1).
 */
export function indexedDbCursors<Transaction extends IndexedDbTransaction>(
  database: Pick<IndexedDb<Transaction>, 'transaction'>,
  { stores }: { readonly stores: readonly string[] },
): CursorStore<Transaction> {
  return {
    async load(stream) {
      const transaction = database.transaction([storeName], 'readwrite')
      return readCursor(transaction.objectStore(storeName), stream)
    },
    async commit({ stream, from, to }, apply) {
      const transaction = database.transaction([storeName, ...stores], 'readwrite')
      const committed = completion(transaction)
      // Its failure is told below as well, where it has a better reason.
      committed.catch(() => {})
      const cursors = transaction.objectStore(storeName)
      try {
        if (!sameCursor(await readCursor(cursors, stream), from)) throw new HoldfastCursorError(stream)
        let applied = false
        const applying = Promise.resolve(apply(transaction)).finally(() => {
          applied = true
        })
        applying.catch(() => {})
        // A transaction without requests commits by itself, with whatever half of it was there: give it one until
        // `apply` is done. A write that `apply` tries after waiting for something else then throws, and all is undone.
        while (!applied) await readCursor(cursors, stream)
        await applying
        cursors.put(to, stream)
      } catch (error) {
        abort(transaction)
        // Where a request failed, what waited for the others knows only that all of it was undone.
        throw transaction.error ?? error
      }
      await committed
    },
  }
}

async function readCursor(cursors: ObjectStore, stream: string): Promise<Cursor | null> {
  const request: Request<Cursor | undefined> = cursors.get(stream)
  const { promise, resolve, reject } = Promise.withResolvers<Cursor | null>()
  request.addEventListener('success', () => resolve(request.result ?? null))
  request.addEventListener('error', () => reject(request.error as Error))
  return promise
}

function completion(transaction: IndexedDbTransaction): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (): void => reject((transaction.error ?? new Error('The transaction was aborted')) as Error)
  transaction.addEventListener('complete', resolve)
  // Not `error`: that is one request's, before the transaction knows why, and `apply` may have prevented the rest. What
  // is not prevented aborts.
  transaction.addEventListener('abort', failed)
  return promise
}

function abort(transaction: IndexedDbTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It was aborted before, by the error that brought us here.
  }
}
