import type { FieldName } from '../fields.ts'
import { nameWords } from './words.ts'

/** The words people use for a field, stemmed as nameWords stems them. */
export const concepts: Readonly<Partial<Record<FieldName, readonly string[]>>> = {
  time: ['time', 'timestamp', 'date'],
  model: ['model', 'llm', 'model name', 'model id'],
  provider: ['provider', 'vendor'],
  tenant: [
    'tenant',
    'customer',
    'client',
    'account',
    'team',
    'org',
    'organisation',
    'organization',
    'workspace',
  ],
  feature: ['feature', 'app', 'application', 'use case', 'product'],
  user: ['user', 'person', 'end user'],
  api_key: ['api key', 'key'],
  session: ['session', 'conversation'],
  status: ['status', 'status code', 'response code', 'http status', 'http code'],
  finish_reason: ['finish reason', 'stop reason'],
  input_tokens: ['input token', 'prompt token', 'context token', 'token in', 'input length'],
  cached_input_tokens: [
    'cached token',
    'cached input token',
    'cached prompt token',
    'cache read token',
    'input cached token',
  ],
  cache_write_tokens: ['cache write token', 'cache creation token'],
  output_tokens: ['output token', 'completion token', 'generated token', 'token out', 'output length'],
  cost_usd: [
    'cost',
    'spend',
    'spent',
    'spending',
    'price',
    'charge',
    'money',
    'expense',
    'expenditure',
    'bill',
  ],
  latency_ms: [
    'latency',
    'duration',
    'response time',
    'generation time',
    'elapsed',
    'elapsed time',
    'runtime',
    'time taken',
    'took',
    'taking',
  ],
  ttft_ms: ['ttft', 'time to first token', 'first token time', 'first token latency'],
}

/** Units that are part of a field's meaning (fields.ts). A field without one is not a number. */
export const fieldUnits: Readonly<Partial<Record<FieldName, string>>> = {
  input_tokens: 'tokens',
  cached_input_tokens: 'tokens',
  cache_write_tokens: 'tokens',
  output_tokens: 'tokens',
  cost_usd: 'USD',
  latency_ms: 'ms',
  ttft_ms: 'ms',
  request_count: 'requests',
}

// By the last word of a column's name. "m", "h" and "min" stand for too many things to be trusted.
const unitBySuffix: ReadonlyMap<string, string> = new Map([
  ['ms', 'ms'],
  ['milli', 'ms'],
  ['millisecond', 'ms'],
  ['s', 's'],
  ['sec', 's'],
  ['second', 's'],
  ['us', 'µs'],
  ['ns', 'ns'],
  ['usd', 'USD'],
  ['dollar', 'USD'],
  ['eur', 'EUR'],
  ['cent', 'cents'],
  ['token', 'tokens'],
  ['byte', 'bytes'],
  ['percent', '%'],
  ['pct', '%'],
])

/** Words of a name that only state its unit: people say "latency" for `latency_ms`. */
export const unitWords: ReadonlySet<string> = new Set(
  [...unitBySuffix.keys()].filter((word) => word !== 'token'),
)

/** The unit a column's name states; empty where it states none. */
export function unitOfName(name: string): string {
  // `latencyMs` and `latency_ms` split alike; nameWords would stem "ms" and "us" no further.
  return unitBySuffix.get(nameWords(name).at(-1) ?? '') ?? ''
}

/**
 * Whether adding the values up means something. It decides what "cost by model" (a total) and "latency by model"
 * (a mean) ask for; where neither list knows the words, the user is asked.
 */
export function additivity(name: string, unit: string): 'adds' | 'does_not_add' | 'unknown' {
  const words = nameWords(name)
  if (words.some((word) => meanWords.has(word))) return 'does_not_add'
  if (['USD', 'EUR', 'cents', 'tokens', 'bytes', 'requests'].includes(unit)) return 'adds'
  if (words.some((word) => sumWords.has(word))) return 'adds'
  if (['ms', 's', 'µs', 'ns', '%'].includes(unit)) return 'does_not_add'
  return 'unknown'
}

const meanWords = new Set(
  'average avg mean median rate ratio percent pct price score rating age temperature speed latency ttft per limit p50 p95 p99'.split(
    ' ',
  ),
)

const sumWords = new Set(
  'cost spend amount revenue sale total quantity qty count request token byte charge expense fee profit population'.split(
    ' ',
  ),
)
