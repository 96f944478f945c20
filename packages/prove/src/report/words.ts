import type { CheckResult } from '../verdict/proof-document.ts'

export const checkMarks = {
  passed: { word: 'ok', tone: 'good', long: 'passed' },
  failed: { word: 'FAIL', tone: 'bad', long: 'failed' },
  not_exercised: { word: '–', tone: 'none', long: 'not exercised' },
  unsure: { word: '?', tone: 'doubt', long: 'cannot be told' },
} as const satisfies Record<CheckResult['outcome'], object>

export const describeSeconds = (seconds: number): string =>
  seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`

export const percent = (share: number): string => `${Math.round(share * 100)} %`
