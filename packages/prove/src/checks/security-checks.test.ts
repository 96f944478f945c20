import { expect, test } from 'vitest'
import { createRecorder } from '../history/recorder.ts'
import { viewOf } from '../history/view.ts'
import { profiles } from '../plan/profiles.ts'
import { resultOf } from '../verdict/outcome.ts'
import { isoSpread } from './security-checks.ts'

/** Two connections of one thread, cut and resumed, on these nodes. */
function spread(first: string, second: string) {
  const recorder = createRecorder()
  for (const [conn, node] of [
    [1, first],
    [2, second],
  ] as const) {
    recorder.add({
      k: 'open',
      conn,
      user: 'u',
      about: null,
      ms: 1,
      headers: { 'x-holdfast-node': node },
      retries: 0,
    })
    recorder.fact('reader', {
      conn,
      user: 'u',
      thread: 't',
      after: 0,
      role: conn === 1 ? 'first_half' : 'resumed',
      whole: conn === 2,
      cut: '2',
      run: 'r',
    })
  }
  // Many nodes answered over HTTP: none of them had to know a cursor.
  for (const node of ['n1', 'n2', 'n3'])
    recorder.add({
      k: 'http',
      id: 9,
      user: null,
      method: 'GET',
      path: '/version',
      about: null,
      ms: 1,
      status: 200,
      headers: { 'x-holdfast-node': node },
      body: '',
      bytes: 0,
      retries: 0,
      error: null,
    })
  const context = { view: viewOf(recorder.lines), plan: profiles.staging.plan }
  return resultOf(isoSpread, isoSpread.judge(context), {
    minimum: isoSpread.minimum(context),
    required: true,
    waivers: [],
    startedAt: '2026-01-01T00:00:00Z',
    diagnosis: undefined,
  }).outcome
}

test('a cursor that stayed on its node proves nothing of another one', () => {
  expect(spread('n1', 'n1')).toBe('not_exercised')
  expect(spread('n1', 'n2')).toBe('passed')
})
