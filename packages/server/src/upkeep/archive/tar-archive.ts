import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip, constants as zlib } from 'node:zlib'
import { HoldfastError } from '@holdfast/protocol'
import tar from 'tar-stream'
import { type ArchiveEntry, type ArchiveReader, type ArchiveWriter, exactly } from './archive.ts'

/**
 * A tar of one file; gzipped where its name ends in `.gz` or `.tgz`. The streams of tar-stream are not Node's, and a
 * pipeline of Node's waits for ever for their end: between the two stand plain iterables and writes.
 *
 * @param file must not exist
 */
export async function openTarWriter(file: string): Promise<ArchiveWriter> {
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  const pack = tar.pack()
  const out = createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true })
  const source = Readable.from(pack)
  // What is in a backup is mostly text already: the fastest level does nine tenths of what the best one would.
  const written = /\.(gz|tgz)$/.test(file)
    ? pipeline(source, createGzip({ level: zlib.Z_BEST_SPEED }), out)
    : pipeline(source, out)
  /** Nothing more is taken after a fault: whoever waits for room learns of it. */
  const failed = written.then(() => Promise.reject(new Error('The archive is closed')))
  failed.catch(() => {})
  let finished = false

  const add = async (name: string, bytes: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
    const packed = Promise.withResolvers<void>()
    const entry = pack.entry({ name, size: bytes, mode: 0o600, mtime: new Date(0) }, (error) => {
      if (error) packed.reject(error)
      else packed.resolve()
    })
    packed.promise.catch(() => {})
    for await (const chunk of exactly(name, bytes, content))
      if (!entry.write(chunk)) await Promise.race([once(entry, 'drain'), failed])
    entry.end(null)
    await Promise.race([packed.promise, failed])
  }
  return {
    text: async (name, content) => {
      const bytes = Buffer.from(content)
      await add(name, bytes.length, whole(bytes))
    },
    stream: add,
    async finish() {
      pack.finalize()
      await written
      await rename(partial, file)
      await using parent = await open(dirname(file), 'r')
      await parent.sync()
      finished = true
    },
    async [Symbol.asyncDispose]() {
      if (finished) return
      source.destroy()
      await written.catch(() => {})
      await rm(partial, { force: true })
    },
  }
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

export async function openTarReader(file: string): Promise<ArchiveReader> {
  const isPacked = await isGzip(file)
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const extract = tar.extract()
    const source = createReadStream(file)
    const fail = (error: Error): void => void extract.destroy(error)
    source.on('error', fail)
    // Not before somebody listens: an entry that nobody hears of is never gone on from.
    if (isPacked) source.pipe(createGunzip().on('error', fail)).pipe(extract)
    else source.pipe(extract)
    try {
      for await (const entry of extract) {
        const { name, size = 0, type } = entry.header
        if (type === 'file') yield { name, bytes: size, content: entry as AsyncIterable<Buffer> }
        entry.resume()
      }
    } catch (error) {
      if (error instanceof HoldfastError) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new HoldfastError(
        'bad_request',
        `${file} cannot be read to its end: ${why}. Nothing was restored.`,
        {
          cause: error,
        },
      )
    } finally {
      source.destroy()
      extract.destroy()
    }
  }
  return { entries, [Symbol.asyncDispose]: async () => {} }
}

async function isGzip(file: string): Promise<boolean> {
  await using handle = await open(file, 'r')
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return buffer[0] === 0x1f && buffer[1] === 0x8b
}
