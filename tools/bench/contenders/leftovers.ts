import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What an interrupted bench would leave behind: `await using` does not unwind on a signal, `exit` is told of all. */
const leftovers = new Set<() => void>()

// Signals become an exit in the embedded PostgreSQL's own hook, which all benches here load.
process.once('exit', () => {
  for (const remove of leftovers) remove()
})

/** A folder that is gone when it is disposed of, and at the latest when this process ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const remove = (): void => rmSync(path, { recursive: true, force: true })
  leftovers.add(remove)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true })
      leftovers.delete(remove)
    },
  }
}

/** A process, or with a minus its group, that does not end with its parent. Returns what ends it now. */
export function killedAtExit(pid: number): () => void {
  const kill = (): void => {
    leftovers.delete(kill)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone.
    }
  }
  leftovers.add(kill)
  return kill
}
