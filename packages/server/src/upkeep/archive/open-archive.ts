import { access, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HoldfastError } from '@holdfast/protocol'
import type { ArchiveReader, ArchiveWriter } from './archive.ts'
import { openDirectoryReader, openDirectoryWriter } from './directory-archive.ts'
import { openTarReader, openTarWriter } from './tar-archive.ts'

const tarName = /\.(tar|tar\.gz|tgz)$/

/**
 * A tar where the name ends in .tar, .tar.gz or .tgz; else a directory.
 * @throws {HoldfastError} bad_request: something has that name
 */
export async function openArchiveWriter(place: string): Promise<ArchiveWriter> {
  const path = resolve(place)
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) throw new HoldfastError('bad_request', `${path} exists. Choose a new name, or remove it first.`)
  return tarName.test(path) ? await openTarWriter(path) : await openDirectoryWriter(path)
}

/** @throws {HoldfastError} not_found */
export async function openArchiveReader(place: string): Promise<ArchiveReader> {
  const path = resolve(place)
  const found = await stat(path).catch(() => null)
  if (found === null) throw new HoldfastError('not_found', `There is nothing at ${path}.`)
  return found.isDirectory() ? openDirectoryReader(path) : await openTarReader(path)
}
