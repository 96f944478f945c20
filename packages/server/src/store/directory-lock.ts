import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '@holdfast/protocol'

/** Another process has the data directory open. Two writers would silently lose each other's rows. */
export class StoreLockedError extends HoldfastError {
  override readonly name = 'StoreLockedError'
  readonly directory: string
  /** null: the other process has not written it yet. */
  readonly pid: number | null

  constructor(directory: string, pid: number | null, options?: ErrorOptions) {
    const holder = pid === null ? 'another process' : `process ${pid}`
    super(
      'not_ready',
      `The data directory ${directory} is in use by ${holder}. Stop that server, or talk to it with --url, or ` +
        'start this one with another --data-dir.',
      options,
    )
    this.directory = directory
    this.pid = pid
  }
}

/** SQLITE_BUSY: someone else holds the file's lock. */
const sqliteBusy = 5

/**
 * Makes this process the only one in the directory, until disposed or dead.
 *
 * The lock is the kernel's, on a file that SQLite locks for us: Node has no flock of its own. A file that merely
 * holds a pid cannot tell a dead owner from a pid that another program got since, nor see through two containers
 * that share a volume (both may be pid 1); a kernel lock ends with its process, whatever ended it. The pid stands
 * in a file of its own, for the message only. (Reading the locked file itself would drop the lock: POSIX locks end
 * when the process closes any handle of the file.)
 *
 * @throws {StoreLockedError} another process has it, or this one already
 */
export function lockDirectory(directory: string): Disposable {
  const ownerFile = join(directory, 'owner.pid')
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new StoreLockedError(directory, readPid(ownerFile), { cause: error })
  }
  writeFileSync(ownerFile, `${process.pid}\n`)
  let held = true
  return {
    [Symbol.dispose]: () => {
      if (!held) return
      held = false
      rmSync(ownerFile, { force: true })
      lock.close()
    },
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    // Taken a moment ago and not written yet: the message does without.
    return null
  }
}
