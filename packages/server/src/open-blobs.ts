import { join, resolve } from 'node:path'
import type { FilePlace } from './environment/setting.ts'
import type { Settings } from './environment/settings.ts'
import type { Store } from './store/store.ts'
import type { Blobs } from './workspace/blobs.ts'
import { createDirectoryBlobs, partialBlobs } from './workspace/directory-blobs.ts'
import { openS3Blobs, type S3BlobsOptions } from './workspace/s3-blobs.ts'
import { sweepStale } from './workspace/sweep-stale.ts'

/**
 * The place for files that the settings name.
 * @throws {HoldfastError} not_ready: a bucket that cannot be reached
 */
export async function openBlobs(settings: Settings, { capabilities }: Store): Promise<Blobs> {
  const { files, dataDir } = settings
  if (files?.kind === 's3') return await openS3Blobs(s3Options(files, settings))
  // Children have working directories of their own: a relative path would not be found there.
  const directory = resolve(files?.path ?? join(dataDir, 'blobs'))
  await sweepStale(partialBlobs(directory), Date.now())
  return createDirectoryBlobs({ directory, durable: capabilities.durability === 'power-loss' })
}

/** What the S3 settings say of a bucket. */
export function s3Options(
  { bucket, prefix }: Extract<FilePlace, { kind: 's3' }>,
  settings: Settings,
): S3BlobsOptions {
  const { s3Endpoint: endpoint, s3Region: region, s3AccessKeyId: id, s3SecretAccessKey: key } = settings
  const credentials =
    id === null || key === null ? null : { accessKeyId: id.reveal(), secretAccessKey: key.reveal() }
  return { bucket, prefix, endpoint, region, credentials }
}
