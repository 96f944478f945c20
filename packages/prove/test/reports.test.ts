import { describe, expect, test } from 'vitest'
import { catalogue } from '../src/checks/catalogue.ts'
import type { Recorder } from '../src/history/recorder.ts'
import { renderMarkdown } from '../src/report/markdown.ts'
import { reportsOf } from '../src/report/write-proof.ts'
import { judge } from '../src/verdict/judge.ts'
import { fails, historyOf } from './history.test-support.ts'

describe('waivers', () => {
  const waiver = (check: string, expires: string) => ({ check, owner: 'mara', reason: 'known', expires })
  const judged = (check: string, expires: string) =>
    judge(historyOf({ waivers: [waiver(check, expires)] }, fails(check)))

  test('one that holds takes the failure out of the verdict, and the headline says so', () => {
    const proof = judged('msg.invalid', '2026-12-31')
    expect(proof.headline).toBe('INCONCLUSIVE, 1 waived')
    expect(proof.reasons.join()).not.toMatch(/msg\.invalid/)
    expect(reportsOf(proof, [])['junit.xml']).toMatch(/waived by mara until 2026-12-31: known/)
  })

  test('one that had run out when the proof began does not', () => {
    const proof = judged('msg.invalid', '2026-06-14')
    expect([proof.headline, proof.reasons[0]]).toEqual([
      'NO-GO',
      'msg.invalid: a case: expected this, seen that',
    ])
  })

  test('none helps an invariant', () => {
    expect(judged('auth.negative', '2026-12-31').headline).toBe('NO-GO')
  })
})

const cold = (recorder: Recorder): void => {
  for (let conn = 1; conn <= 12; conn += 1)
    recorder.add({ k: 'open', conn, user: 'u', about: 'cold', ms: 900 + conn, headers: {}, retries: 0 })
}

test('an earlier proof that was quicker is shown beside this one and decides nothing', () => {
  const before = judge(historyOf({}, cold))
  const proof = judge(
    historyOf({}, (recorder) => {
      cold(recorder)
      recorder.fact('baseline', {
        madeAt: '2026-06-01T00:00:00.000Z',
        verdict: 'GO',
        commit: 'a',
        samples: { connectMs: Array.from({ length: 12 }, (_, index) => 1 + index / 100) },
        checks: { 'ws.connect': 'passed' },
      })
    }),
  )
  expect(proof.historical?.metrics).toMatchObject([{ metric: 'connectMs', slower: true }])
  expect(proof.historical?.checks).toContainEqual({ id: 'ws.connect', before: 'passed', now: 'failed' })
  expect([proof.verdict, proof.reasons]).toEqual([before.verdict, before.reasons])
  expect(renderMarkdown(proof)).toMatch(/historical, decides nothing.*connectMs 1\.1 → 906\.5 ms/)
})

test('the way back is in the report, word for word', () => {
  const markdown = renderMarkdown(judge(historyOf({ previous: 'rev-41', rollbackCommand: 'traffic rev-41' })))
  expect(markdown).toContain('`traffic rev-41`, not rehearsed; previous: rev-41.')
  expect(renderMarkdown(judge(historyOf({})))).toContain('previous: not named')
})

test('a page of sixty lines, however much went wrong', () => {
  const proof = judge(
    historyOf({}, (recorder) => {
      for (const { id } of catalogue) for (let times = 0; times < 3; times += 1) fails(id)(recorder)
    }),
  )
  expect(proof.totals.failed).toBeGreaterThan(10)
  expect(renderMarkdown(proof).trimEnd().split('\n').length).toBeLessThanOrEqual(60)
})

test('ctrf.json: the summary counts what the tests say, the verdict is one of them', () => {
  const { results } = JSON.parse(
    reportsOf(judge(historyOf({}, fails('msg.invalid'))), [])['ctrf.json'] ?? '',
  ) as {
    results: {
      summary: Record<string, number>
      tests: { name: string; status: string; duration: number }[]
    }
  }
  const { tests, summary } = results
  expect(tests.map(({ name }) => name)).toEqual([...catalogue.map(({ id }) => id), 'verdict'])
  for (const status of ['passed', 'failed', 'skipped', 'pending', 'other'])
    expect([status, summary[status]]).toEqual([status, tests.filter((one) => one.status === status).length])
  expect(summary['tests']).toBe(tests.length)
  expect(summary['stop']).toBeGreaterThan(summary['start'] ?? 0)
  expect(tests.at(-1)).toMatchObject({ name: 'verdict', status: 'failed', duration: 1_000 })
})
