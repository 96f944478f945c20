import type { FileId } from '@holdfast/protocol'
import type { Child } from './child-process.ts'
import type { WorkspaceLimits } from './workspace-limits.ts'

/** Children that hold a file's table in memory and wait for its next query. */
export interface HeldTables {
  /** From now on the child waits here; at most `heldTables` do, and each for `heldMs`. */
  keep(id: FileId, child: Child): void
  /** Takes the child out, so that nobody else asks it meanwhile; null where there is none. */
  take(id: FileId): Child | null
  /** Kills the child of a file that is gone. */
  drop(id: FileId): void
  dropAll(): void
}

export function createHeldTables({ heldTables, heldMs }: WorkspaceLimits): HeldTables {
  /** In the order in which they came, which is the order in which they leave. */
  const waiting = new Map<FileId, { readonly child: Child; readonly timer: NodeJS.Timeout }>()

  function take(id: FileId): Child | null {
    const found = waiting.get(id)
    if (found === undefined) return null
    waiting.delete(id)
    clearTimeout(found.timer)
    found.child.setIdle(false)
    if (found.child.isSound()) return found.child
    void found.child[Symbol.asyncDispose]()
    return null
  }
  function drop(id: FileId): void {
    void take(id)?.[Symbol.asyncDispose]()
  }
  return {
    keep(id, child) {
      // Two jobs on one file, side by side: the later one's child takes the place.
      drop(id)
      child.setIdle(true)
      waiting.set(id, { child, timer: setTimeout(() => drop(id), heldMs).unref() })
      for (const oldest of [...waiting.keys()].slice(0, -heldTables)) drop(oldest)
    },
    take,
    drop,
    dropAll() {
      for (const id of [...waiting.keys()]) drop(id)
    },
  }
}
