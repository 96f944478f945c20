import { constants, openAsBlob } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { limits } from '@holdfast/protocol'
import { UsageError } from '../usage-error.ts'

export interface DataFile {
  readonly name: string
  readonly path: string
  /** Reads from disk as it is sent, never all at once. */
  readonly content: Blob
}

async function check(path: string): Promise<DataFile> {
  const say = (what: string): UsageError => new UsageError(`--data ${path}: ${what}`)
  const found = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw say(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'there is no such file. Check the path.'
        : `cannot be read (${code}).`,
    )
  })
  if (found.isDirectory()) throw say('is a directory. Name the files in it, each with its own --data.')
  if (!found.isFile()) throw say('is not a regular file. Save the data in a file and name that.')
  if (found.size === 0) throw say('is empty. Export the data again.')
  await access(path, constants.R_OK).catch(() => {
    throw say('may not be read by you. Change its permissions, or copy it.')
  })
  return { name: basename(path), path, content: await openAsBlob(path) }
}

/** Each path checked before anything is started. @throws {UsageError} for the first that cannot be data */
export async function openDataFiles(paths: readonly string[]): Promise<readonly DataFile[]> {
  if (paths.length > limits.filesPerMessage)
    throw new UsageError(
      `--data: at most ${limits.filesPerMessage} files go with one question, not ${paths.length}.`,
    )
  const files: DataFile[] = []
  for (const path of paths) files.push(await check(path))
  return files
}
