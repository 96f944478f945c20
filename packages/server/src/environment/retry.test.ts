import { expect, test } from 'vitest'
import { type RetryOptions, retry, retryDelayMs } from './retry.ts'
import { reconnectPolicy, retryPolicies } from './retry-policy.ts'

const away = new Error('connection refused')
const wrongPassword = new Error('wrong password')

/** Three attempts with a base of 1.0 s, and a clock that notes how long it was asked to wait. */
function trial(options: Partial<RetryOptions> = {}) {
  const waits: number[] = []
  const logged: object[] = []
  const attempts: number[] = []
  const run = (outcomes: readonly (Error | 'ok')[]): Promise<string> =>
    retry(
      async (attempt) => {
        attempts.push(attempt)
        const outcome = outcomes[attempt - 1]
        if (outcome instanceof Error) throw outcome
        return `after ${attempt}`
      },
      {
        policy: retryPolicies.production,
        what: 'connecting to a thing',
        isWorthRepeating: (error) => error === away,
        logger: { warn: (fields, message) => void logged.push({ ...fields, message }) },
        sleep: async (ms) => void waits.push(ms),
        random: () => 0.5,
        ...options,
      },
    )
  return { run, waits, logged, attempts }
}

test('what works at once is tried once', async () => {
  const { run, waits, logged } = trial()
  expect(await run(['ok'])).toBe('after 1')
  expect([waits, logged]).toEqual([[], []])
})

test('a deployment tries three times, and waits a random part of 1 s and of 2 s between', async () => {
  const { run, waits } = trial()
  expect(await run([away, away, 'ok'])).toBe('after 3')
  expect(waits).toEqual([500, 1_000])
})

test('each failed attempt is told, with its number, its error and when the next one is', async () => {
  const { run, logged } = trial()
  await expect(run([away, away, away])).rejects.toBe(away)
  const message = 'connecting to a thing failed'
  expect(logged).toEqual([
    { attempt: 1, of: 3, nextInMs: 500, error: away, message },
    { attempt: 2, of: 3, nextInMs: 1_000, error: away, message },
    { attempt: 3, of: 3, nextInMs: null, error: away, message },
  ])
})

test('a developer gets the first error at once', async () => {
  const { run, waits, attempts } = trial({ policy: retryPolicies.development })
  await expect(run([away, 'ok'])).rejects.toBe(away)
  expect([waits, attempts]).toEqual([[], [1]])
})

test('what the caller finds not worth repeating is not repeated', async () => {
  const { run, attempts } = trial()
  await expect(run([away, wrongPassword, 'ok'])).rejects.toBe(wrongPassword)
  expect(attempts).toEqual([1, 2])
})

test('the waiting ends with the signal, and says its reason', async () => {
  const stop = new AbortController()
  const { run, attempts } = trial({
    signal: stop.signal,
    sleep: async () => {
      stop.abort(new Error('the server is stopping'))
      throw new Error('a timer was interrupted')
    },
  })
  await expect(run([away, 'ok'])).rejects.toThrow('the server is stopping')
  expect(attempts).toEqual([1])
})

test('on the real clock an abort ends the waiting at once', async () => {
  const stop = new AbortController()
  const failing = retry(() => Promise.reject(away), {
    policy: { attempts: 2, baseMs: 60_000, mostMs: 60_000 },
    what: 'connecting',
    isWorthRepeating: () => true,
    logger: { warn: () => queueMicrotask(() => stop.abort(new Error('enough'))) },
    signal: stop.signal,
    random: () => 1,
  })
  await expect(failing).rejects.toThrow('enough')
})

test('nothing is begun for a signal that has aborted', async () => {
  const { run, attempts } = trial({ signal: AbortSignal.abort(new Error('gone')) })
  await expect(run(['ok'])).rejects.toThrow('gone')
  expect(attempts).toEqual([])
})

test('the wait doubles up to its most, and full jitter takes any part of it', () => {
  const policy = { attempts: 9, baseMs: 1_000, mostMs: 5_000 }
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelayMs(policy, attempt, 1))).toEqual([
    1_000, 2_000, 4_000, 5_000, 5_000,
  ])
  expect(retryDelayMs(policy, 3, 0)).toBe(0)
})

test('what went away under a running server is met again within two seconds, however long it was away', () => {
  expect(retryDelayMs(reconnectPolicy, 10_000, 1)).toBeLessThanOrEqual(2_000)
  expect(reconnectPolicy.attempts).toBe(Number.POSITIVE_INFINITY)
})

test('who asks to be left alone is left alone for as long, and no more than the policy allows', async () => {
  const asked = { askedToWaitMs: () => 7_000 }
  const { run, waits } = trial(asked)
  expect(await run([away, 'ok'])).toBe('after 2')
  expect(waits).toEqual([7_500])
  const impatient = trial({ askedToWaitMs: () => 30_001 })
  await expect(impatient.run([away, 'ok'])).rejects.toBe(away)
  expect(impatient.attempts).toEqual([1])
})
