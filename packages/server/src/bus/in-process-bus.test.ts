import { position, systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { Hint } from './bus.ts'
import { createInProcessBus } from './in-process-bus.ts'

const makeId = systemIdMaker()
const hint = (head: number): Hint => ({ threadId: makeId('thread'), head: position(head) })

test('[B1] every subscriber hears a hint, in the order of publishing, until it ends its subscription', async () => {
  await using bus = createInProcessBus()
  const [one, two]: [Hint[], Hint[]] = [[], []]
  const endOne = bus.subscribe((heard) => one.push(heard))
  bus.subscribe((heard) => two.push(heard))
  const [first, second, third] = [hint(1), hint(2), hint(3)]
  bus.publish(first)
  bus.publish(second)
  await Promise.resolve()
  endOne()
  bus.publish(third)
  await Promise.resolve()
  expect(one).toEqual([first, second])
  expect(two).toEqual([first, second, third])
})

test('[B1] publish does not run a subscriber before it returns', async () => {
  await using bus = createInProcessBus()
  const heard: Hint[] = []
  bus.subscribe((one) => heard.push(one))
  bus.publish(hint(1))
  expect(heard).toEqual([])
  await Promise.resolve()
  expect(heard).toHaveLength(1)
})

test('one listener may subscribe twice and end either', async () => {
  await using bus = createInProcessBus()
  let calls = 0
  const listener = (): void => {
    calls += 1
  }
  const end = bus.subscribe(listener)
  bus.subscribe(listener)
  end()
  end()
  bus.publish(hint(1))
  await Promise.resolve()
  expect(calls).toBe(1)
})

test('after the end a hint is a hint lost', async () => {
  const bus = createInProcessBus()
  const heard: Hint[] = []
  bus.subscribe((one) => heard.push(one))
  bus.publish(hint(1))
  await bus[Symbol.asyncDispose]()
  bus.publish(hint(2))
  await Promise.resolve()
  expect(heard).toEqual([])
})
