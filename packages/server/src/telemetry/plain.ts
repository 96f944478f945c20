/** What a log line may hold, made from anything, so that serialising it can neither throw nor leak a secret. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

const maxDepth = 6
const maxItems = 100
const maxTextLength = 4_096
const redacted = '[redacted]'

/** `inputTokens` is a count, `token` is not: names are judged by whole words. */
const secretWords = new Set([
  'token',
  'secret',
  'password',
  'authorization',
  'cookie',
  'credential',
  'credentials',
])
const secretKeys = /\b(api|private|signing|access|simulation) key$/

function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()
    .trim()
  return secretKeys.test(words) || words.split(' ').some((word) => secretWords.has(word))
}

/** Takes credentials out of running text: URLs with a password, bearer tokens, tokens of our own, one-time links. */
export function scrub(text: string): string {
  const kept =
    text.length > maxTextLength ? `${text.slice(0, maxTextLength)}… (${text.length} characters)` : text
  return kept
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, `$1${redacted}@`)
    .replace(/\b(bearer\s+)[\w.~+/=-]+/gi, `$1${redacted}`)
    .replace(/\bhf_[a-z]+_[\w-]+/g, redacted)
    .replace(/([#?&](?:token|key|secret|code|password)=)[^\s&#]+/gi, `$1${redacted}`)
}

function plainError(error: Error, depth: number, seen: ReadonlySet<object>): Plain {
  const keys = ['name', 'message', 'code', 'stack', 'cause'].filter((key) => key in error)
  return Object.fromEntries(keys.map((key) => [key, read(error, key, depth, seen)]))
}

function read(owner: object, key: string, depth: number, seen: ReadonlySet<object>): Plain {
  if (isSecretName(key)) return redacted
  try {
    return plain(Reflect.get(owner, key), depth + 1, seen)
  } catch {
    // A getter that throws must not take the line, or the request that logs it, with it.
    return '[unreadable]'
  }
}

function plainObject(value: object, depth: number, seen: ReadonlySet<object>): Plain {
  if (seen.has(value)) return '[circular]'
  if (depth >= maxDepth) return '[deeper]'
  const within = new Set(seen).add(value)
  if (value instanceof Error) return plainError(value, depth, within)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return scrub(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Map) return plainObject(Object.fromEntries(value), depth, within)
  if (value instanceof Set || Array.isArray(value))
    return [...value].slice(0, maxItems).map((item: unknown) => plain(item, depth + 1, within))
  const toJson: unknown = Reflect.get(value, 'toJSON')
  if (typeof toJson === 'function') return plain(Reflect.apply(toJson, value, []), depth + 1, within)
  const keys = Object.keys(value).slice(0, maxItems)
  return Object.fromEntries(keys.map((key) => [key, read(value, key, depth, within)]))
}

/** The fields of a line, as `plain` gives them. Never throws. */
export function plainFields(fields: object): Record<string, Plain> {
  try {
    const within = new Set([fields])
    return Object.fromEntries(Object.keys(fields).map((key) => [key, read(fields, key, 0, within)]))
  } catch {
    return { fields: '[unreadable]' }
  }
}

/** @returns `value` as plain JSON: bounded in depth, items and length, without secrets. Never throws. */
function plain(value: unknown, depth = 0, seen: ReadonlySet<object> = new Set()): Plain {
  switch (typeof value) {
    case 'string':
      return scrub(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
    case 'symbol':
      return String(value)
    case 'undefined':
      return null
    case 'function':
      return '[function]'
    case 'object':
      if (value === null) return null
      try {
        return plainObject(value, depth, seen)
      } catch {
        // A proxy, a toJSON or an iterator of the value threw.
        return '[unreadable]'
      }
  }
}
