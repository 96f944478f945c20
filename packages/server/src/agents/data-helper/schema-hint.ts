import { HoldfastError } from '@holdfast/protocol'
import type { FileProfile } from '../../workspace/file-profile.ts'

const shownColumns = 60
const shownNearest = 3

/**
 * What a failed query lacks most often: the names there are. Whoever wrote it, person or model, reads them with the
 * error. Names of columns are the file's: they stand in quotes, as data.
 */
export function withSchemaHint(
  error: unknown,
  profiles: readonly FileProfile[],
  tableNames: ReadonlyMap<string, string>,
): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'sql_failed') return error
  const tables = profiles.map((profile) => {
    const names = profile.columns.slice(0, shownColumns).map(({ name }) => quoted(name))
    const more = profile.columns.length - names.length
    const table = tableNames.get(profile.fileId) ?? 'data'
    return `${table} (${names.join(', ')}${more > 0 ? `, and ${more} more` : ''})`
  })
  const columns = profiles.flatMap((profile) => profile.columns.map(({ name }) => name))
  const wanted = unknownName(error.message)
  const nearest = wanted === null ? [] : nearestNames(wanted, columns)
  const guess =
    nearest.length === 0 ? '' : ` Nearest to ${quoted(wanted ?? '')}: ${nearest.map(quoted).join(', ')}.`
  return new HoldfastError(
    'sql_failed',
    `${error.message.trimEnd()}${guess} There are: ${tables.join('; ')}. Every column is text.`,
    { cause: error },
  )
}

const quoted = (name: string): string =>
  `"${name
    .replaceAll('"', '""')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 80)}"`

/** The name that DuckDB did not find, as its messages have it. */
function unknownName(message: string): string | null {
  const [, column] = /Referenced column "([^"]+)" not found/.exec(message) ?? []
  const [, named] = /does not have a column named "([^"]+)"/.exec(message) ?? []
  return column ?? named ?? null
}

/** Pure: by how many characters have to be changed, leaving case and punctuation aside. */
export function nearestNames(wanted: string, names: readonly string[]): readonly string[] {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '')
  const target = plain(wanted)
  return [...new Set(names)]
    .map((name) => {
      const own = plain(name)
      const within = own.includes(target) || target.includes(own)
      return { name, far: within ? Math.abs(own.length - target.length) / 4 : distance(own, target) }
    })
    .filter(({ far }) => far <= Math.max(3, target.length / 2))
    .toSorted((left, right) => left.far - right.far)
    .slice(0, shownNearest)
    .map(({ name }) => name)
}

/** Levenshtein's, over names that are short. */
function distance(left: string, right: string): number {
  const from = left.slice(0, 80)
  const to = right.slice(0, 80)
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let at = 1; at <= from.length; at += 1) {
    const next = [at]
    for (let other = 1; other <= to.length; other += 1)
      next.push(
        Math.min(
          (row[other] ?? 0) + 1,
          (next[other - 1] ?? 0) + 1,
          (row[other - 1] ?? 0) + (from[at - 1] === to[other - 1] ? 0 : 1),
        ),
      )
    row = next
  }
  return row[to.length] ?? 0
}
