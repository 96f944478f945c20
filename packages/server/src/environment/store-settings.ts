import { z } from 'zod'
import { type Secret, secret } from './secret.ts'
import {
  type FilePlace,
  filePlace,
  MiB,
  natsUrls,
  postgresUrl,
  printable,
  setting,
  webUrl,
  wholeNumber,
} from './setting.ts'

const busKinds = ['in-process', 'postgres', 'nats'] as const
export type BusKind = (typeof busKinds)[number]

/** Where things are kept and for how long, and what carries hints between those who share them. */
export const storeTable = {
  databaseUrl: setting<Secret | null>({
    names: ['HOLDFAST_DATABASE_URL'],
    parser: postgresUrl,
    fallback: null,
    allowed: 'a URL that begins with postgres:// or postgresql://',
    sentence: 'The PostgreSQL to use. Unset: a database inside the data directory, for one process.',
    secret: true,
  }),
  databaseConnections: setting<number>({
    names: ['HOLDFAST_DATABASE_CONNECTIONS'],
    parser: wholeNumber(2, 1_000),
    fallback: 10,
    allowed: 'a whole number from 2 to 1000',
    sentence:
      'The most connections that this node opens to PostgreSQL for its work; the bus and the leases take one more each. All nodes together stay below the max_connections of the server.',
  }),
  bus: setting<BusKind | null>({
    names: ['HOLDFAST_BUS'],
    parser: z.enum(busKinds).nullable(),
    fallback: null,
    allowed: `one of ${busKinds.join(', ')}`,
    sentence:
      'What carries hints between nodes. Unset: nats with HOLDFAST_NATS_URL, else postgres with HOLDFAST_DATABASE_URL, else in-process.',
  }),
  natsUrl: setting<Secret | null>({
    names: ['HOLDFAST_NATS_URL'],
    parser: natsUrls,
    fallback: null,
    allowed: 'a URL that begins with nats:// or tls://, or several with commas between them',
    sentence: 'The NATS that carries hints between nodes; user:password@ or token@ before the host.',
    secret: true,
  }),
  files: setting<FilePlace | null>({
    names: ['HOLDFAST_FILES'],
    parser: filePlace.nullable(),
    fallback: null,
    allowed: 'a directory, or s3://bucket or s3://bucket/prefix',
    sentence:
      'Where uploads and artifacts are kept, the same for all servers of one database. Unset: in the data directory.',
  }),
  s3Endpoint: setting<URL | null>({
    names: ['HOLDFAST_S3_ENDPOINT'],
    parser: webUrl,
    fallback: null,
    allowed: 'a URL that begins with http:// or https://',
    sentence: 'The S3-compatible store that HOLDFAST_FILES is in. Unset: that of AWS.',
  }),
  s3Region: setting<string | null>({
    names: ['HOLDFAST_S3_REGION'],
    parser: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .nullable(),
    fallback: null,
    allowed: 'the name of a region, such as eu-central-1',
    sentence: 'The region of the bucket. Unset: as the AWS SDK finds it.',
  }),
  s3AccessKeyId: setting<Secret | null>({
    names: ['HOLDFAST_S3_ACCESS_KEY_ID'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'an access key: printable characters without spaces',
    sentence:
      'The access key for the bucket. Unset: as the AWS SDK finds it, such as the role of the machine.',
    secret: true,
  }),
  s3SecretAccessKey: setting<Secret | null>({
    names: ['HOLDFAST_S3_SECRET_ACCESS_KEY'],
    parser: printable.transform(secret).nullable(),
    fallback: null,
    allowed: 'the secret of the access key: printable characters without spaces',
    sentence: 'The secret that belongs to HOLDFAST_S3_ACCESS_KEY_ID.',
    secret: true,
  }),
  fileCacheBytes: setting<number>({
    names: ['HOLDFAST_FILE_CACHE_BYTES'],
    parser: wholeNumber(0, 1024 * 1024 * MiB),
    fallback: 4096 * MiB,
    allowed: `a whole number of bytes from 0 to ${1024 * 1024 * MiB}`,
    sentence:
      'What one server keeps in its data directory of uploads that it fetched, and as much again of tables made of them.',
  }),
  retentionDays: setting<number | null>({
    names: ['HOLDFAST_RETENTION_DAYS'],
    parser: wholeNumber(1, 36_500).nullable(),
    fallback: null,
    allowed: 'a whole number of days from 1 to 36500',
    sentence:
      'A thread in which nothing happened for so many days is deleted with its files. Unset: kept for ever.',
  }),
} as const
