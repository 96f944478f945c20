import { systemIdMaker, type UserId } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { Access } from '../auth/authenticator.ts'
import { settled } from './held-calls.test-support.ts'
import { SessionCredentials } from './session-credentials.ts'

const makeId = systemIdMaker()
const ann = makeId('user')
const stranger = makeId('user')
const accessOf = (userId: UserId): Access => ({
  principal: { kind: 'user', userId },
  scopes: ['read'],
  endsAtMs: null,
  proof: { kind: 'bearer' },
})

/** Answers come when the test gives them. */
function open() {
  const questions: { bearer: string; answer: (access: Access | null) => Promise<void> }[] = []
  const credentials = new SessionCredentials(
    { bearer: 'A', cookie: null },
    {
      authenticate({ bearer }) {
        const { promise, resolve } = Promise.withResolvers<Access | null>()
        questions.push({
          bearer: bearer ?? '',
          answer(access) {
            resolve(access)
            return settled()
          },
        })
        return promise
      },
    },
  )
  const used: (UserId | null)[] = []
  const use = (access: Access | null): void => void used.push(access?.principal.userId ?? null)
  return {
    credentials,
    used,
    use,
    asked: () => questions.map(({ bearer }) => bearer),
    /** Of the questions, counted from 0. */
    answer: (index: number, access: Access | null) => questions[index]?.answer(access),
    async identified() {
      void credentials.identify(null, () => {})
      await questions[0]?.answer(accessOf(ann))
    },
  }
}

describe('while it is looked up who it is', () => {
  test('a revocation makes the answer one of before it: it is asked again, and that answer counts', async () => {
    const { credentials, used, use, asked, answer } = open()
    void credentials.identify(null, use)
    expect(credentials.revoked(ann)).toBe(true)
    await answer(0, accessOf(ann))
    expect(used).toEqual([])
    await answer(1, null)
    expect([asked(), used]).toEqual([['A', 'A'], [null]])
  })

  test('a stranger’s makes it ask once more, and not again when it is known who it is', async () => {
    const { credentials, used, use, asked, answer } = open()
    void credentials.identify(null, use)
    expect(credentials.revoked(stranger)).toBe(true)
    await answer(0, accessOf(ann))
    expect(credentials.revoked(stranger)).toBe(false)
    await answer(1, accessOf(ann))
    expect([asked(), used]).toEqual([['A', 'A'], [ann]])
  })
})

describe('a renewal', () => {
  test('decides, where what it replaces turns out to be bad while it is looked up', async () => {
    const { credentials, used, use, asked, answer, identified } = open()
    await identified()
    const good = credentials.stillGood()
    void credentials.renew('B', use)
    await answer(1, null)
    await answer(2, accessOf(ann))
    expect(asked()).toEqual(['A', 'A', 'B'])
    expect([await good, used]).toEqual([true, [ann]])
  })

  test('decides also where it was quicker', async () => {
    const { credentials, use, answer, identified } = open()
    await identified()
    const good = credentials.stillGood()
    void credentials.renew('B', use)
    await answer(2, accessOf(ann))
    await answer(1, null)
    expect(await good).toBe(true)
  })

  test('that fails leaves what there was to its own answer', async () => {
    const { credentials, used, use, answer, identified } = open()
    await identified()
    const good = credentials.stillGood()
    void credentials.renew('B', use)
    await answer(2, null)
    await answer(1, null)
    expect([await good, used]).toEqual([false, [null]])
  })

  test('that is revoked while it is looked up is asked about again', async () => {
    const { credentials, used, use, asked, answer, identified } = open()
    await identified()
    void credentials.renew('B', use)
    expect(credentials.revoked(ann)).toBe(true)
    await answer(1, accessOf(ann))
    expect(used).toEqual([])
    await answer(2, null)
    expect([asked(), used]).toEqual([['A', 'B', 'B'], [null]])
  })

  test('is what is asked about from then on', async () => {
    const { credentials, use, asked, answer, identified } = open()
    await identified()
    void credentials.renew('B', use)
    await answer(1, accessOf(ann))
    const good = credentials.stillGood()
    await answer(2, null)
    expect([await good, asked()]).toEqual([false, ['A', 'B', 'B']])
  })
})

test('credentials that have become another user’s are not good', async () => {
  const { credentials, answer, identified } = open()
  await identified()
  const good = credentials.stillGood()
  await answer(1, accessOf(stranger))
  expect(await good).toBe(false)
})
