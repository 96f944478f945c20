import { type Position, position } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { type Answer, createTail, type Item } from './tail.ts'

const item = (seq: number): Item => ({ seq: position(seq), json: String(seq), bytes: 1 })

test('[B1] what this node stored while a made-up hint was looked for is not forgotten over it', async () => {
  const answer = Promise.withResolvers<Answer>()
  const tail = createTail(
    { readLog: (_after: Position) => answer.promise, shared: () => false, resized: () => {} },
    { ringItems: 10, ringBytes: 100 },
  )
  tail.heard(position(12))
  const asked = tail.read(position(5), 10)
  tail.committed([item(6), item(7), item(8)])
  tail.heard(position(8))
  answer.resolve({ items: [], cut: false })
  expect(await asked).toMatchObject({ items: [] })
  // Two at a time: a third is there, and nothing but this says so.
  expect(await tail.read(position(5), 2)).toMatchObject({ items: [item(6), item(7)], more: true })
  expect(await tail.read(position(7), 2)).toMatchObject({ items: [item(8)], more: false })
})
