import type { Delivery, Fact, View } from '../history/view.ts'
import type { Violation } from './finding.ts'

/** What a reader of a thread got, held against what it should have got. */
export interface Reading {
  readonly reader: Fact<'reader'>
  readonly deliveries: readonly Delivery[]
  readonly lost: readonly number[]
  readonly repeated: readonly number[]
  readonly disordered: readonly number[]
  /** What stood in the place of a position and is none. */
  readonly odd: number
}

/** A server may name any position; beyond so many it makes no difference how many more are missing. */
const mostLost = 1_000

export function readingsOf(view: View, fits: (reader: Fact<'reader'>) => boolean): readonly Reading[] {
  return view
    .facts('reader')
    .filter(fits)
    .map((reader) => readingOf(view, reader))
}

function readingOf(view: View, reader: Fact<'reader'>): Reading {
  const deliveries = (view.deliveries.get(reader.conn) ?? []).filter(
    ({ stream }) => stream === `thread/${reader.thread}`,
  )
  const seen = new Set<number>()
  const repeated: number[] = []
  const disordered: number[] = []
  let last = reader.after
  let odd = 0
  for (const { seq } of deliveries) {
    if (!Number.isSafeInteger(seq)) {
      odd += 1
      continue
    }
    if (seen.has(seq) || seq <= reader.after) repeated.push(seq)
    else if (seq < last) disordered.push(seq)
    seen.add(seq)
    last = Math.max(last, seq)
  }
  // Of a reader that was cut, only what lies below its last event can be missing.
  let until = last
  if (reader.whole)
    for (const seq of view.stored(reader.thread).keys())
      if (Number.isSafeInteger(seq)) until = Math.max(until, seq)
  const lost: number[] = []
  for (let seq = reader.after + 1; seq <= until && lost.length < mostLost; seq += 1)
    if (!seen.has(seq)) lost.push(seq)
  return { reader, deliveries, lost, repeated, disordered, odd }
}

const some = (positions: readonly number[]): string =>
  `${positions.slice(0, 5).join(', ')}${positions.length > 5 ? ', …' : ''}`

/** Nothing missing, nothing twice, nothing out of order. */
export function violationsOf(reading: Reading): readonly Violation[] {
  const { reader, lost, repeated, disordered, odd } = reading
  const of = `connection ${reader.conn} (${reader.role}${reader.cut === null ? '' : `, cut ${reader.cut}`})`
  const at = { t: reader.t, conn: reader.conn }
  return [
    ...(lost.length > 0 ? [{ what: `${of} never got ${some(lost)}`, ...at }] : []),
    ...(repeated.length > 0 ? [{ what: `${of} got ${some(repeated)} again`, ...at }] : []),
    ...(disordered.length > 0 ? [{ what: `${of} got ${some(disordered)} after a later one`, ...at }] : []),
    ...(odd > 0 ? [{ what: `${of} got ${odd} whose position is no whole number`, ...at }] : []),
    ...(reader.role !== 'first_half' && !reader.whole
      ? [{ what: `${of} did not reach the end of the log in time`, ...at }]
      : []),
  ]
}
