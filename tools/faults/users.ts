import type { UserId } from '@holdfast/protocol'
import { userId } from '@holdfast/protocol'
import type { Access, Authenticator } from '../../packages/server/src/auth/authenticator.ts'

export interface TestUser {
  readonly userId: UserId
  readonly token: string
}

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/**
 * Users whose ids differ in a character or two, half of them at the end and half in the middle: whoever cuts an id
 * short, or compares a part of it, takes one for another.
 */
export function makeUsers(count: number): TestUser[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const mark = [number >> 10, number >> 5, number].map((part) => digits[part & 31]).join('')
    const id =
      number % 2 === 0 ? `01K0${'0'.repeat(19)}${mark}` : `01K0${'0'.repeat(8)}${mark}${'0'.repeat(11)}`
    return { userId: userId(`usr_${id}`), token: `token-of-${id}-${crypto.randomUUID()}` }
  })
}

/** Knows the users by their tokens and nobody else. */
export function createTestAuthenticator(users: readonly TestUser[]): Authenticator {
  const byToken = new Map(users.map((user) => [user.token, accessOf(user)]))
  return {
    cookieName: 'holdfast_faults',
    authenticate: async ({ bearer }) => (bearer === null ? null : (byToken.get(bearer) ?? null)),
  }
}

const accessOf = ({ userId: id }: TestUser): Access => ({
  principal: { kind: 'user', userId: id },
  scopes: ['read', 'write', 'account'],
  endsAtMs: null,
  proof: { kind: 'bearer' },
})
