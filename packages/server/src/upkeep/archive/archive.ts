/**
 * A sequence of named texts and streams, kept as a directory or as one file. Names are made here, with `/` between
 * their parts, and stand in the order in which they sort: a directory is read in the order in which it was written.
 */
export interface ArchiveWriter extends AsyncDisposable {
  /** Whole in memory: keep it small. */
  text(name: string, content: string): Promise<void>
  /** @throws {Error} `content` has more or fewer bytes than `bytes` */
  stream(name: string, bytes: number, content: AsyncIterable<Uint8Array>): Promise<void>
  /** Until then there is nothing under the archive's own name. Disposing without it leaves nothing at all. */
  finish(): Promise<void>
}

export interface ArchiveEntry {
  readonly name: string
  readonly bytes: number
  /** Read it, or leave it, before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface ArchiveReader extends AsyncDisposable {
  /** From the first on, each time that it is called; one after another. */
  entries(): AsyncIterable<ArchiveEntry>
}

/** Yields the content again; throws where it is not as long as it was said to be. */
export async function* exactly(
  name: string,
  bytes: number,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let seen = 0
  for await (const chunk of content) {
    seen += chunk.length
    if (seen > bytes) break
    yield chunk
  }
  if (seen !== bytes) throw new Error(`${name} has ${seen > bytes ? 'more' : 'fewer'} than ${bytes} bytes`)
}
