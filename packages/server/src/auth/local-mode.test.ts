import { inspect } from 'node:util'
import { systemIdMaker } from '@holdfast/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { openMemoryStore } from '../store/pglite-store.ts'
import { localModeLimits } from './local-mode.ts'
import { localUserId } from './local-user.ts'
import { openLocalAuth } from './open-auth.ts'

const store = await openMemoryStore()
afterAll(() => store[Symbol.asyncDispose]())
const makeId = systemIdMaker()
const userId = await localUserId(store, makeId)

function open(port = 8080) {
  const clock = { nowMs: 1_000_000 }
  const url = (): string => `http://127.0.0.1:${port}`
  const auth = openLocalAuth({ store, makeId, userId, url, now: () => clock.nowMs, onError() {} })
  return { clock, auth, mode: auth.localMode }
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
    const { auth, mode } = open()
    const token = tokenOf(mode.loginLink())
    const cookie = (await mode.exchange(token))?.secret ?? ''
    const access = await auth.authenticator.authenticate({ bearer: null, cookie })
    expect(access?.principal).toEqual({ kind: 'local', userId })
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
    const { auth, mode } = open()
    const token = tokenOf(mode.loginLink())
    expect(await auth.authenticator.authenticate({ bearer: token, cookie: null })).toBeNull()
    expect(await auth.authenticator.authenticate({ bearer: null, cookie: token })).toBeNull()
  })

  test('the oldest of more than `links` unused ones is retired', async () => {
    const { mode } = open()
    const tokens = Array.from({ length: localModeLimits.links + 1 }, () => tokenOf(mode.loginLink()))
    expect(await mode.exchange(tokens[0] ?? '')).toBeNull()
    expect(await mode.exchange(tokens[1] ?? '')).not.toBeNull()
  })
})

test('a session lasts sessionMs, and outlives the process that opened it', async () => {
  const first = open()
  const opened = await first.mode.exchange(tokenOf(first.mode.loginLink()))
  expect(opened?.maxAgeSeconds).toBe(localModeLimits.sessionMs / 1000)
  await first.auth[Symbol.asyncDispose]()
  const second = open()
  const cookie = opened?.secret ?? ''
  expect(await second.auth.authenticator.authenticate({ bearer: null, cookie })).not.toBeNull()
  // The bearer token does not.
  const { token } = first.mode
  expect(await second.auth.authenticator.authenticate({ bearer: token, cookie: null })).toBeNull()
})

test('the cookie’s name carries the port', () => {
  expect([open(8080), open(9090)].map(({ auth }) => auth.cookies.name)).toEqual([
    'holdfast_8080',
    'holdfast_9090',
  ])
})

test('the bearer token is accepted; a failed bearer never falls back to the cookie', async () => {
  const { auth, mode } = open()
  const { authenticate } = auth.authenticator
  const cookie = (await mode.exchange(tokenOf(mode.loginLink())))?.secret ?? ''
  const access = await authenticate({ bearer: mode.token, cookie: null })
  expect(access?.principal).toEqual({ kind: 'local', userId })
  expect(await authenticate({ bearer: `${mode.token}x`, cookie })).toBeNull()
  expect(await authenticate({ bearer: '', cookie })).toBeNull()
  expect(await authenticate({ bearer: null, cookie: null })).toBeNull()
})

test('a local user who is disabled is nobody by the bearer token too, until enabled again', async () => {
  const { auth, mode } = open()
  const ask = () => auth.authenticator.authenticate({ bearer: mode.token, cookie: null })
  await auth.users.disable(userId)
  expect(await ask()).toBeNull()
  await auth.users.enable(userId)
  expect((await ask())?.principal).toEqual({ kind: 'local', userId })
})

test('no secret shows when the object is printed, except the token that is handed out', () => {
  const { mode } = open()
  const token = tokenOf(mode.loginLink())
  expect(inspect(mode, { depth: 9 })).not.toContain(token)
})
