import { keyIdOf, newSimulationKey, signRequest } from '@holdfast/protocol/e2e'
import { expect, test } from 'vitest'
import type { SignedRequest } from './simulation.ts'
import { verifyRequest } from './verify-request.ts'

const host = 'chat.staging.example.com'
const nowMs = Date.parse('2026-11-27T12:00:00Z')
const keys = [newSimulationKey(), newSimulationKey()].map((text) => ({ id: keyIdOf(text), text }))
const [key] = keys
const body = Buffer.from('{}')

function signed(changed: Record<string, string> = {}): SignedRequest {
  const url = `https://${host}/auth/e2e/session`
  const headers = signRequest({ key: key?.text ?? '', method: 'POST', url, body: '{}', nowMs })
  return { method: 'POST', path: '/auth/e2e/session', body, headers: { ...headers, ...changed } }
}
const verify = (request: SignedRequest) => verifyRequest(request, { keys, host, nowMs })

test('a request that is signed is, and by which key', () => {
  expect(verify(signed())).toEqual({ keyId: key?.id, nonce: expect.stringMatching(/^[\w-]{22}$/) })
})

test('without keys nobody is let in', () => {
  expect(verifyRequest(signed(), { keys: [], host, nowMs })).toBeNull()
})

test('a header that came twice is none', () => {
  for (const name of Object.keys(signed().headers)) {
    const request = signed()
    const value = String(request.headers[name])
    expect(verify(request)).not.toBeNull()
    expect([name, verify({ ...request, headers: { ...request.headers, [name]: [value, value] } })]).toEqual([
      name,
      null,
    ])
  }
})

test.each([
  [-61_000, false],
  [-60_000, true],
  [60_000, true],
  [61_000, false],
])('%i ms from now is in time: %s', (off, good) => {
  expect(verifyRequest(signed(), { keys, host, nowMs: nowMs + off }) !== null).toBe(good)
})

test('how long a wrong signature takes does not say where it is wrong (printed, not judged)', () => {
  const good = String(signed().headers['x-e2e-signature'])
  const other = (digit: string | undefined): string => (digit === '0' ? '1' : '0')
  const requests = {
    'first byte wrong': signed({ 'x-e2e-signature': `v1=${other(good[3])}${good.slice(4)}` }),
    'last byte wrong': signed({ 'x-e2e-signature': `${good.slice(0, -1)}${other(good.at(-1))}` }),
    'all bytes wrong': signed({ 'x-e2e-signature': `v1=${[...good.slice(3)].map(other).join('')}` }),
    'first byte wrong, again': signed({ 'x-e2e-signature': `v1=${other(good[3])}${good.slice(4)}` }),
  }
  const times = new Map<string, number[]>(Object.keys(requests).map((name) => [name, []]))
  for (let round = 0; round < 3_000; round += 1)
    for (const [name, request] of Object.entries(requests)) {
      const began = process.hrtime.bigint()
      const verdict = verify(request)
      times.get(name)?.push(Number(process.hrtime.bigint() - began))
      expect(verdict).toBeNull()
    }
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.floor(sorted.length * share)] ?? 0
  for (const [name, all] of times) {
    const sorted = all.toSorted((a, b) => a - b)
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => (at(sorted, share) / 1000).toFixed(2))
    console.log(`${name.padEnd(24)} ${middle} µs (half of them ${low}–${high}), ${all.length} times`)
  }
})
