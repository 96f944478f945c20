/** A row of the table of settings, and the forms that values come in. */
import { z } from 'zod'
import { secret } from './secret.ts'

export interface Setting<Value> {
  /** The variable, or several of which the first that is set counts. */
  readonly names: readonly [string, ...string[]]
  readonly parser: z.ZodType<Value>
  readonly fallback: Value
  /** Ends the sentence "NAME must be …". */
  readonly allowed: string
  readonly sentence: string
  readonly secret: boolean
}

export function setting<Value>(
  row: Omit<Setting<Value>, 'secret'> & { readonly secret?: true },
): Setting<Value> {
  return { ...row, secret: row.secret ?? false }
}

export const MiB = 1024 * 1024

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.int().min(least).max(most))

export const webUrl = z
  .url({ protocol: /^https?$/ })
  .transform((text) => new URL(text))
  .nullable()

// At least two labels: the one label `com` would let in every host that ends in it.
export const domains = z
  .string()
  .toLowerCase()
  .transform((text) => text.split(',').map((domain) => domain.trim()))
  .pipe(z.array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)))

export const postgresUrl = z
  .url({ protocol: /^postgres(ql)?$/ })
  .transform(secret)
  .nullable()

// Not one z.url(): several servers of a cluster stand in one setting.
export const natsUrls = z
  .string()
  .refine((text) =>
    text.split(',').every((url) => {
      const { protocol, hostname } = URL.parse(url.trim()) ?? {}
      return (protocol === 'nats:' || protocol === 'tls:') && hostname !== ''
    }),
  )
  .transform(secret)
  .nullable()

/** As credentials and names of other systems come. */
export const printable = z.string().regex(/^[\x21-\x7e]+$/)

export type FilePlace =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }

export const directory = z.string().regex(/^[^\0]*[^\0\s][^\0]*$/)

/** A bucket's name as S3 has it; a prefix without empty parts, so that no key begins with a slash or holds two. */
const s3Place = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[\w.=+@-]+)*)\/?$/

export const filePlace = z.union([
  z
    .string()
    .regex(s3Place)
    .transform((text): FilePlace => {
      const [, bucket = '', path = ''] = s3Place.exec(text) ?? []
      return { kind: 's3', bucket, prefix: path.slice(1) }
    }),
  directory
    // Whatever has a scheme was meant for something else than a directory.
    .regex(/^(?![a-z][a-z0-9+.-]*:\/\/)/i)
    .transform((path): FilePlace => ({ kind: 'directory', path })),
])
