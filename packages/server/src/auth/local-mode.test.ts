import { randomFillSync } from 'node:crypto'
import { inspect } from 'node:util'
import { systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { createLocalMode, localModeLimits } from './local-mode.ts'

const userId = systemIdMaker()('user')

function open(port = 8080) {
  const clock = { nowMs: 1_000_000 }
  const random = (bytes: Uint8Array): void => void randomFillSync(bytes)
  const url = (): string => `http://127.0.0.1:${port}`
  return { clock, mode: createLocalMode({ userId, url, now: () => clock.nowMs, random }) }
}

const tokenOf = (link: string): string => new URL(link).hash.slice('#token='.length)

describe('the one-time link', () => {
  test('is of this address and holds 256 random bits in its fragment', () => {
    const { mode } = open()
    const link = mode.loginLink()
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:8080\/login#token=[\w-]{43}$/)
    expect(mode.loginLink()).not.toBe(link)
  })

  test('signs in once', async () => {
    const { mode } = open()
    const token = tokenOf(mode.loginLink())
    const cookie = await mode.exchange(token)
    expect(await mode.authenticate({ bearer: null, cookie })).toEqual({ kind: 'local', userId })
    expect(await mode.exchange(token)).toBeNull()
  })

  test('is of no use after linkMs', async () => {
    const { mode, clock } = open()
    const token = tokenOf(mode.loginLink())
    clock.nowMs += localModeLimits.linkMs - 1
    const inTime = tokenOf(mode.loginLink())
    clock.nowMs += 1
    expect(await mode.exchange(token)).toBeNull()
    expect(await mode.exchange(inTime)).not.toBeNull()
  })

  test('is neither a session nor a bearer token', async () => {
    const { mode } = open()
    const token = tokenOf(mode.loginLink())
    expect(await mode.authenticate({ bearer: token, cookie: null })).toBeNull()
    expect(await mode.authenticate({ bearer: null, cookie: token })).toBeNull()
  })

  test('the oldest of more than `links` unused ones is retired', async () => {
    const { mode } = open()
    const tokens = Array.from({ length: localModeLimits.links + 1 }, () => tokenOf(mode.loginLink()))
    expect(await mode.exchange(tokens[0] ?? '')).toBeNull()
    expect(await mode.exchange(tokens[1] ?? '')).not.toBeNull()
  })
})

describe('sessions', () => {
  const signIn = (mode: ReturnType<typeof open>['mode']) => mode.exchange(tokenOf(mode.loginLink()))

  test('end after sessionMs, and when they are ended', async () => {
    const { mode, clock } = open()
    const [old, ended] = [await signIn(mode), await signIn(mode)]
    await mode.end(ended ?? '')
    expect(await mode.authenticate({ bearer: null, cookie: ended })).toBeNull()
    expect(await mode.authenticate({ bearer: null, cookie: old })).not.toBeNull()
    clock.nowMs += localModeLimits.sessionMs
    expect(await mode.authenticate({ bearer: null, cookie: old })).toBeNull()
  })

  test('the oldest of more than `sessions` is retired', async () => {
    const { mode } = open()
    const first = await signIn(mode)
    for (let count = 0; count < localModeLimits.sessions; count += 1) await signIn(mode)
    expect(await mode.authenticate({ bearer: null, cookie: first })).toBeNull()
  })

  test('the cookie’s name carries the port', () => {
    expect([open(8080).mode.cookieName, open(9090).mode.cookieName]).toEqual([
      'holdfast_8080',
      'holdfast_9090',
    ])
  })
})

test('the bearer token is accepted; a failed bearer never falls back to the cookie', async () => {
  const { mode } = open()
  const cookie = await mode.exchange(tokenOf(mode.loginLink()))
  expect(await mode.authenticate({ bearer: mode.token, cookie: null })).toEqual({ kind: 'local', userId })
  expect(await mode.authenticate({ bearer: `${mode.token}x`, cookie })).toBeNull()
  expect(await mode.authenticate({ bearer: '', cookie })).toBeNull()
  expect(await mode.authenticate({ bearer: null, cookie: null })).toBeNull()
})

test('no secret shows when the object is printed, except the token that is handed out', () => {
  const { mode } = open()
  const token = tokenOf(mode.loginLink())
  expect(inspect(mode, { depth: 9 })).not.toContain(token)
})
