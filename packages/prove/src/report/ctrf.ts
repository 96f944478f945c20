import type { CheckResult, Proof } from '../verdict/proof-document.ts'
import { plain } from './escape.ts'

const statuses = {
  passed: 'passed',
  failed: 'failed',
  not_exercised: 'skipped',
  unsure: 'other',
} as const satisfies Record<CheckResult['outcome'], string>

/** Common Test Report Format (ctrf.io); `rawStatus` has our own word. */
export function renderCtrf(proof: Proof): string {
  const tests = [
    ...proof.checks.map((check) => ({
      name: check.id,
      status: check.waived === null ? statuses[check.outcome] : 'other',
      rawStatus: check.waived === null ? check.outcome : `${check.outcome}, waived`,
      duration: 0,
      suite: [check.group],
      message: plain(check.examples[0]?.what ?? check.says),
    })),
    {
      name: 'verdict',
      status: proof.verdict === 'GO' ? 'passed' : proof.verdict === 'NO-GO' ? 'failed' : 'other',
      rawStatus: proof.headline,
      duration: Math.round(proof.seconds * 1000),
      suite: ['verdict'],
      message: proof.reasons.map(plain).join('; '),
    },
  ]
  const count = (status: string): number => tests.filter((test) => test.status === status).length
  const start = Date.parse(proof.startedAt)
  const report = {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    results: {
      tool: { name: proof.tool },
      summary: {
        tests: tests.length,
        passed: count('passed'),
        failed: count('failed'),
        pending: 0,
        skipped: count('skipped'),
        other: count('other'),
        start,
        stop: start + Math.round(proof.seconds * 1000),
      },
      tests,
    },
  }
  return `${JSON.stringify(report, null, 2)}\n`
}
