import { Cell, FileKind } from '@holdfast/protocol'
import { z } from 'zod'
import { castNames } from './casts.ts'
import type { FromChild } from './child-jobs.ts'

const Count = z.number().min(0)

const CastNames = z.enum(castNames)

const ColumnProfile = z.object({
  name: z.string(),
  filled: Count,
  distinct: Count,
  samples: z.array(z.string()),
  parses: z.array(z.object({ cast: CastNames, count: Count })),
  numeric: z
    .object({
      min: z.number(),
      max: z.number(),
      mean: z.number(),
      p50: z.number(),
      p95: z.number(),
      zeros: Count,
      negatives: Count,
      allIntegers: z.boolean(),
    })
    .exactOptional(),
  time: z
    .object({ min: z.string(), max: z.string(), medianStepSeconds: z.number().nullable() })
    .exactOptional(),
  top: z.array(z.object({ value: z.string(), count: Count })),
})

const Layout = z.object({
  encoding: z.enum(['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'binary']),
  compression: z.enum(['none', 'gzip']),
  delimiter: z.string().exactOptional(),
  quote: z.string().exactOptional(),
  header: z.boolean().exactOptional(),
  preambleLines: Count.exactOptional(),
  rejectedRows: Count,
  sheet: z.string().exactOptional(),
  otherSheets: z.array(z.string()).exactOptional(),
})

const TableProfile = z.object({
  kind: FileKind,
  rows: Count,
  columns: z.array(ColumnProfile),
  layout: Layout,
  problems: z.array(z.string()),
})

/** Checks what a child answers: it has read a user's bytes, and may be anything by now. */
export const childMessage: z.ZodType<FromChild> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ingested'),
    profile: TableProfile.nullable(),
    table: z.enum(['stored', 'held']),
  }),
  z.object({
    type: z.literal('result'),
    id: z.string(),
    columns: z.array(z.string()),
    rows: z.array(z.array(Cell)),
    truncated: z.boolean(),
  }),
  z.object({ type: z.literal('done') }),
  z.object({
    type: z.literal('failed'),
    code: z.enum([
      'file_unreadable',
      'payload_too_large',
      'sql_refused',
      'sql_failed',
      'sql_timeout',
      'sql_memory',
      'internal',
    ]),
    message: z.string(),
  }),
])
