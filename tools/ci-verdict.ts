/**
 * Reads Vitest's JSON report and prints one line, `N passed, N failed, N skipped`. Fails also on what a green
 * report hides: a test that was skipped although this machine could run it, and a PostgreSQL that was never used.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Why a test may be skipped, as it says in its name, and whether that is so here. */
export interface Machine {
  readonly isRoot: boolean
  readonly hasSharedData: boolean
}

export interface Verdict {
  readonly line: string
  readonly problems: readonly string[]
}

const mayBeSkipped = (fullName: string, machine: Machine): boolean =>
  (machine.isRoot && fullName.includes('(needs a user other than root)')) ||
  (!machine.hasSharedData && fullName.includes('(needs ../shared/data)'))

export function judge({ testResults }: VitestReport, machine: Machine): Verdict {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file: name, fullName, status })),
  )
  const count = (status: string): number => tests.filter((test) => test.status === status).length
  const passed = count('passed')
  const skipped = tests.length - passed - count('failed')
  // A file that does not load has no tests to count, and hides all that it holds.
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  )
  const failed = count('failed') + unloaded.length
  const skippedWithoutReason = tests.filter(
    ({ fullName, status }) => status !== 'passed' && status !== 'failed' && !mayBeSkipped(fullName, machine),
  )
  const usedPostgres = tests.some(
    ({ fullName, status }) => status === 'passed' && /PostgreSQL/.test(fullName),
  )
  return {
    line: `${passed} passed, ${failed} failed, ${skipped} skipped`,
    problems: [
      ...(passed === 0 ? ['no test passed'] : []),
      ...unloaded.map(({ name }) => `${name} did not load`),
      ...skippedWithoutReason.map(({ fullName }) => `skipped, and this machine could run it: ${fullName}`),
      ...(usedPostgres ? [] : ['no test ran on a real PostgreSQL']),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ],
  }
}

const [path] = process.argv.slice(2)
if (import.meta.main && path !== undefined) {
  const report = JSON.parse(readFileSync(path, 'utf8')) as VitestReport
  const { line, problems } = judge(report, {
    isRoot: process.getuid?.() === 0,
    hasSharedData: existsSync(join(import.meta.dirname, '../../shared/data')),
  })
  for (const problem of problems) console.error(`problem: ${problem}`)
  console.log(line)
  process.exitCode = problems.length === 0 ? 0 : 1
}
