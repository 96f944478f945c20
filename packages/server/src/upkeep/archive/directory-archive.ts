import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ArchiveEntry, type ArchiveReader, type ArchiveWriter, exactly } from './archive.ts'

/** @param directory must not exist; what is in it is the owner's alone */
export async function openDirectoryWriter(directory: string): Promise<ArchiveWriter> {
  const partial = `${directory}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true, mode: 0o700 })
  const place = async (name: string): Promise<string> => {
    const path = join(partial, name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return path
  }
  let finished = false
  return {
    async text(name, content) {
      await writeFile(await place(name), content, { mode: 0o600, flag: 'wx', flush: true })
    },
    async stream(name, bytes, content) {
      const file = createWriteStream(await place(name), { flags: 'wx', mode: 0o600, flush: true })
      await pipeline(exactly(name, bytes, content), file)
    },
    async finish() {
      await rename(partial, directory)
      await using parent = await open(dirname(directory), 'r')
      await parent.sync()
      finished = true
    },
    async [Symbol.asyncDispose]() {
      if (!finished) await rm(partial, { recursive: true, force: true })
    },
  }
}

export function openDirectoryReader(directory: string): ArchiveReader {
  return { entries: () => walk(directory, ''), [Symbol.asyncDispose]: async () => {} }
}

async function* walk(root: string, below: string): AsyncGenerator<ArchiveEntry> {
  const found = await readdir(join(root, below), { withFileTypes: true })
  // By bytes, as the writer has it, and not by a language's order.
  found.sort((one, other) => (one.name < other.name ? -1 : 1))
  for (const entry of found) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    const path = join(root, name)
    if (entry.isDirectory()) yield* walk(root, name)
    else if (entry.isFile())
      yield { name, bytes: (await stat(path)).size, content: createReadStream(path) as AsyncIterable<Buffer> }
  }
}
