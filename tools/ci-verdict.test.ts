import { expect, test } from 'vitest'
import { judge, type Machine, type VitestReport } from './ci-verdict.ts'

const here: Machine = { isRoot: true, hasSharedData: true }
const report = (...tests: readonly (readonly [status: string, fullName: string])[]): VitestReport => ({
  testResults: [
    {
      name: 'a.test.ts',
      status: tests.some(([status]) => status === 'failed') ? 'failed' : 'passed',
      assertionResults: tests.map(([status, fullName]) => ({ status, fullName })),
    },
  ],
})
const postgres = ['passed', 'event log on PostgreSQL [L2] order'] as const

test('all passed: one line and no problem', () => {
  expect(judge(report(postgres, ['passed', 'x']), here)).toEqual({
    line: '2 passed, 0 failed, 0 skipped',
    problems: [],
  })
})

test.each<[string, VitestReport, Machine, string, RegExp]>([
  ['a failure', report(postgres, ['failed', 'x']), here, '1 passed, 1 failed, 0 skipped', /1 failed/],
  [
    'a skip without a reason',
    report(postgres, ['skipped', 'x']),
    here,
    '1 passed, 0 failed, 1 skipped',
    /skipped.*: x/,
  ],
  ['a todo', report(postgres, ['todo', 'x']), here, '1 passed, 0 failed, 1 skipped', /skipped.*: x/],
  [
    'data that is there and was not used',
    report(postgres, ['skipped', 'golden numbers (needs ../shared/data)']),
    here,
    '1 passed, 0 failed, 1 skipped',
    /golden numbers/,
  ],
  [
    'a test for users, skipped by one',
    report(postgres, ['skipped', 'permissions (needs a user other than root)']),
    { ...here, isRoot: false },
    '1 passed, 0 failed, 1 skipped',
    /permissions/,
  ],
  ['no PostgreSQL', report(['passed', 'x']), here, '1 passed, 0 failed, 0 skipped', /PostgreSQL/],
  [
    'a PostgreSQL that was skipped',
    report(['passed', 'x'], ['skipped', 'event log on PostgreSQL']),
    here,
    '1 passed, 0 failed, 1 skipped',
    /no test ran on a real PostgreSQL/,
  ],
  ['nothing at all', { testResults: [] }, here, '0 passed, 0 failed, 0 skipped', /no test passed/],
  [
    'a file that does not load',
    {
      testResults: [
        ...report(postgres).testResults,
        { name: 'b.test.ts', status: 'failed', assertionResults: [] },
      ],
    },
    here,
    '1 passed, 1 failed, 0 skipped',
    /b\.test\.ts did not load/,
  ],
])('%s is a problem', (_name, given, machine, line, problem) => {
  const verdict = judge(given, machine)
  expect(verdict.line).toBe(line)
  expect(verdict.problems.join('\n')).toMatch(problem)
})

test('what this machine cannot run may be skipped', () => {
  const given = report(
    postgres,
    ['skipped', 'permissions (needs a user other than root)'],
    ['skipped', 'golden numbers (needs ../shared/data)'],
  )
  expect(judge(given, { isRoot: true, hasSharedData: false })).toEqual({
    line: '1 passed, 0 failed, 2 skipped',
    problems: [],
  })
})
