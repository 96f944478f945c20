import type { FileProfile } from '../../../workspace/file-profile.ts'
import { mapFile } from '../field-mapping.ts'
import { joinClause } from '../questions/join-clause.ts'
import type { KeyFacts } from '../questions/join-keys.ts'
import { type JoinedQuestion, readJoin } from '../questions/joins.ts'
import type { TableInfo } from '../questions/parse.ts'
import { describe as describeReading } from '../questions/reading.ts'
import { numbers, profileOf, texts, times, timestamps } from './profiles.ts'

/** Requests and their customers, and what is decided of a question over both. For tests only. */
export const requests = profileOf(
  [
    timestamps,
    texts('tenant', 'acme', 'globex', 'initech'),
    texts('model', 'gpt-5', 'gpt-5-mini'),
    numbers('cost_usd', 0.02),
    numbers('latency_ms', 900),
    texts('status', '200', '429'),
  ],
  { fileName: 'requests.csv' },
)
export const customers = profileOf(
  [
    texts('tenant', 'acme', 'globex', 'initech'),
    texts('plan', 'enterprise', 'free', 'pro'),
    texts('region', 'EU', 'US'),
    numbers('seats', 40),
    times('signup', ['2025-01-01T00:00:00Z']),
  ],
  { fileName: 'customers.csv', rows: 3 },
)

export function tableOf(profile: FileProfile, choices: Readonly<Record<string, string>> = {}): TableInfo {
  const known = new Map(Object.entries(choices))
  const tableName = profile.fileName.replace(/\..*$/, '')
  return { tableName, profile, mapping: mapFile(profile, known), choices: known }
}

type Counts = Partial<Omit<KeyFacts, 'pair'>>

/** What is decided once each pair is counted as `counts` says; good keys where it says nothing. */
export function decided(
  question: string,
  tables: readonly TableInfo[] = [tableOf(requests), tableOf(customers)],
  counts: (pair: KeyFacts['pair']) => Counts = countsOf,
): JoinedQuestion {
  const clause = joinClause(question, tables)
  const wanted = readJoin(question, tables, clause, [])
  if (wanted.kind !== 'measure') return wanted
  const facts = wanted.pairs.map((pair) => ({
    pair,
    rows: 400,
    matched: 388,
    repeated: null,
    baseMost: 120,
    ...counts(pair),
  }))
  return readJoin(question, tables, clause, facts)
}

/** A tenant is in many requests, and once among the customers. */
export function countsOf({ lookup }: KeyFacts['pair']): Counts {
  return lookup.fileName === 'customers.csv' ? {} : { repeated: { key: 'acme', rows: 120 }, baseMost: 1 }
}

export function said(outcome: JoinedQuestion): string {
  if (outcome.kind === 'read') return describeReading(outcome.reading)
  if (outcome.kind === 'ask') return `asks ${outcome.question.id}`
  return outcome.kind === 'refused' ? outcome.why : outcome.kind
}

export const joined = 'of requests.csv joined with customers.csv on tenant (388 of 400 rows match)'
