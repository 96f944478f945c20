import { describe, expect, test } from 'vitest'
import type { FileProfile } from '../../workspace/file-profile.ts'
import { playbooks } from './playbooks/playbooks.ts'
import { scopeOf } from './scope.ts'

const column = (name: string, ...values: readonly string[]) => ({
  name,
  filled: 10,
  distinct: values.length,
  samples: values,
  parses: [],
  top: values.map((value) => ({ value, count: 1 })),
})
const profiles = [
  {
    columns: [
      column('tenant', 'acme', 'globex'),
      column('feature', 'report', 'chat', 'nightly_summaries'),
      column('model', 'gpt-5-mini', 'claude-sonnet-4-5'),
    ],
  } as unknown as FileProfile,
]

describe('a question that limits itself to some rows is not answered over all of them', () => {
  test.each([
    'What did we spend in August?',
    'what did we spend last month',
    'cost breakdown for 2025',
    'Where did the money go in October?',
    'Where does the money go excluding acme?',
    'Why is gpt-5-mini slow?',
    'p95 for claude-sonnet-4-5',
    'peak load of acme',
    'peak load on 3 October',
    'cost of nightly_summaries',
  ])('%s', (question) => expect(scopeOf(question, profiles)).not.toBeNull())

  test.each([
    ...playbooks.filter(({ id }) => id !== 'any_table').flatMap(({ asks }) => asks),
    'cost report',
    'Where does the money go?',
    'Why is it slow, what is our p95?',
    'What is our peak load in requests and tokens per minute?',
    'why is our chat so slow',
  ])('%s asks about all rows', (question) => expect(scopeOf(question, profiles)).toBeNull())
})
