import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of the cache that stays where it is until this is disposed of. */
export interface Held extends Disposable {
  readonly path: string
}

/**
 * Files that can be made again, bounded in bytes: what was used longest ago goes first. Each node has its own; a
 * single file over the bound, or files that are all in use, are kept for as long as they are held.
 */
export interface CacheDirectory {
  /** null: it is not here. */
  hold(name: string): Promise<Held | null>
  /** Moves a finished file in, from the same file system; an older one of this name gives way. */
  put(name: string, path: string): Promise<Held>
  /** Removing what is absent is no error. */
  remove(name: string): Promise<void>
  names(): Promise<readonly string[]>
}

interface Entry {
  readonly bytes: number
  holders: number
}

/** @param directory made, 0700, when something is put there; files are 0600 */
export function createCacheDirectory(directory: string, maxBytes: number): CacheDirectory {
  /** In the order of their last use. */
  let entries: Promise<Map<string, Entry>> | null = null
  const pathOf = (name: string): string => join(directory, name)
  const known = (): Promise<Map<string, Entry>> => (entries ??= readEntries(directory))

  function held(name: string, entry: Entry): Held {
    entry.holders += 1
    let open = true
    return {
      path: pathOf(name),
      [Symbol.dispose]() {
        if (open) entry.holders -= 1
        open = false
      },
    }
  }

  /** What is held when its turn comes is passed over: it is in use. */
  async function shrink(found: Map<string, Entry>): Promise<void> {
    let bytes = 0
    for (const entry of found.values()) bytes += entry.bytes
    for (const [name, entry] of found) {
      if (bytes <= maxBytes) return
      if (entry.holders > 0) continue
      found.delete(name)
      bytes -= entry.bytes
      await rm(pathOf(name), { force: true })
    }
  }

  return {
    async hold(name) {
      const found = await known()
      const entry = found.get(name)
      if (entry === undefined) return null
      const hold = held(name, entry)
      found.delete(name)
      found.set(name, entry)
      // Somebody may have tidied up by hand.
      if ((await bytesOf(pathOf(name))) !== null) return hold
      hold[Symbol.dispose]()
      if (found.get(name) === entry) found.delete(name)
      return null
    },
    async put(name, path) {
      const found = await known()
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await chmod(path, 0o600)
      const bytes = (await bytesOf(path)) ?? 0
      await rename(path, pathOf(name))
      const entry: Entry = { bytes, holders: 0 }
      const hold = held(name, entry)
      found.delete(name)
      found.set(name, entry)
      await shrink(found)
      return hold
    },
    async remove(name) {
      const found = await known()
      found.delete(name)
      await rm(pathOf(name), { force: true })
    },
    names: async () => [...(await known()).keys()],
  }
}

/** What an earlier process left here, oldest first. */
async function readEntries(directory: string): Promise<Map<string, Entry>> {
  const names = await readdir(directory).catch(() => [])
  const found: { readonly name: string; readonly bytes: number; readonly mtimeMs: number }[] = []
  for (const name of names) {
    const info = await stat(join(directory, name)).catch(() => null)
    if (info?.isFile() === true) found.push({ name, bytes: info.size, mtimeMs: info.mtimeMs })
  }
  found.sort((one, other) => one.mtimeMs - other.mtimeMs)
  return new Map(found.map(({ name, bytes }) => [name, { bytes, holders: 0 }]))
}

async function bytesOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null
}
