/** What may happen in the model, as data that a seed makes and fast-check shrinks. */
import fc from 'fast-check'

export type Step =
  | { readonly kind: 'append'; readonly thread: number; readonly events: number }
  /** The connection is lost; what was on its way is too. `late`: the server learns of it at some later moment. */
  | { readonly kind: 'lose'; readonly client: number; readonly late: boolean }
  /** The socket is full for a while. */
  | { readonly kind: 'fill'; readonly client: number }
  /** B1: a hint may be old, doubled, early or about nothing new. */
  | { readonly kind: 'hint'; readonly thread: number; readonly head: number }
  | { readonly kind: 'restart'; readonly client: number }
  /** A second reader of the same connection, from the first event on. */
  | { readonly kind: 'join'; readonly client: number }
  /** Somebody follows with a cursor of another log. */
  | { readonly kind: 'mistake'; readonly client: number }

/** B1: any one of the three wakes a follower, so each is also tried without the other two. */
export type Wakes = 'all' | 'commit' | 'hint' | 'poll'

export interface Schedule {
  readonly steps: readonly Step[]
  readonly before: number
  readonly wakes: Wakes
  readonly window: number
  readonly ringItems: number
  readonly choices: number
}

/** Clients 0 and 1 follow thread 0 of user 0, client 2 thread 1 of user 1: ids that differ in their last character. */
export const threadOfClient = [0, 0, 1] as const
const client = fc.integer({ min: 0, max: threadOfClient.length - 1 })
const thread = fc.integer({ min: 0, max: 1 })

export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('append' as const),
          thread,
          events: fc.integer({ min: 1, max: 3 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), client, late: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), client }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('hint' as const),
          thread,
          head: fc.integer({ min: 0, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), client }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constantFrom('join' as const, 'mistake' as const), client }),
      },
    ),
    { minLength: 1, maxLength: 10 },
  ),
  before: fc.integer({ min: 0, max: 4 }),
  wakes: fc.constantFrom<Wakes>('all', 'commit', 'hint', 'poll'),
  window: fc.constantFrom(3, 1_024),
  ringItems: fc.constantFrom(2, 1_024),
  choices: fc.nat(),
})
