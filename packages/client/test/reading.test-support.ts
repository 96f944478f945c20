import type { Position } from '@holdfast/protocol'
import { createClient, type HoldfastClient } from '../src/index.ts'
import { type FakeServer, token } from './fake-server.test-support.ts'

export const connect = (server: FakeServer): HoldfastClient => createClient({ url: server.url, token })

export const from1 = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1)

/** Reads until `count` are there. @returns their places */
export async function take(
  count: number,
  events: AsyncIterable<{ readonly seq: Position }>,
  onEach = (_seq: number) => {},
): Promise<number[]> {
  const places: number[] = []
  for await (const { seq } of events) {
    places.push(seq)
    onEach(seq)
    if (places.length === count) break
  }
  return places
}
