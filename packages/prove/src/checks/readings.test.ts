import { expect, test } from 'vitest'
import { createRecorder } from '../history/recorder.ts'
import { viewOf } from '../history/view.ts'
import { readingsOf, violationsOf } from './readings.ts'

const pageItems = 1_000
const thread = `thr_${'0'.repeat(26)}`

/** A live reading of one connection that got items at these positions, beside a stored log at those. */
function reading(got: readonly unknown[], stored: readonly unknown[] = []) {
  const recorder = createRecorder()
  const items = (positions: readonly unknown[]) => positions.map((seq) => ({ seq }))
  recorder.add({
    k: 'in',
    conn: 1,
    text: JSON.stringify({ type: 'ev', stream: `thread/${thread}`, items: items(got) }),
  })
  // Page by page, as the log is read.
  for (let at = 0; at < stored.length; at += pageItems)
    recorder.add({
      k: 'http',
      id: 2 + at,
      user: null,
      method: 'GET',
      path: `/v1/threads/${thread}/events`,
      about: 'log',
      ms: 1,
      status: 200,
      headers: {},
      body: JSON.stringify({ items: items(stored.slice(at, at + pageItems)) }),
      bytes: 1,
      retries: 0,
      error: null,
    })
  recorder.fact('reader', {
    conn: 1,
    user: 'u',
    thread,
    after: 0,
    role: 'live',
    whole: true,
    cut: null,
    run: null,
  })
  const [one] = readingsOf(viewOf(recorder.lines), () => true)
  if (one === undefined) throw new Error('no reading')
  return one
}
const says = (...of: Parameters<typeof reading>): string =>
  violationsOf(reading(...of))
    .map(({ what }) => what)
    .join('; ')

test('all of it, once and in order', () => expect(says([1, 2, 3], [1, 2, 3])).toBe(''))

test('a position far ahead costs no more than a near one', () => {
  expect(reading([1, 1e15]).lost).toHaveLength(1_000)
  expect(says([1, 1e15])).toMatch(/never got 2, 3, 4, 5, 6, …/)
  expect(reading([1], [1, 1e15]).lost).toHaveLength(1_000)
})

test.each([Number.NaN, 1.5, '2', null, 1e300])('%s is no position, and switches nothing off', (odd) => {
  expect(says([1, odd, 3, 5, 4], [1, 2, 3, 4, 5])).toMatch(
    /never got 2.* got 4 after a later one.* whole number/,
  )
})

test('a log of more positions than a function takes arguments is read', () => {
  const positions = Array.from({ length: 200_000 }, (_, index) => index + 1)
  expect(reading([1], positions).lost).toHaveLength(1_000)
})
