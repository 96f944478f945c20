import type { Delivery, Fact, View } from '../history/view.ts'
import type { Violation } from './finding.ts'

/** What a reader of a thread got, held against what it should have got. */
export interface Reading {
  readonly reader: Fact<'reader'>
  readonly deliveries: readonly Delivery[]
  readonly lost: readonly number[]
  readonly repeated: readonly number[]
  readonly disordered: readonly number[]
}

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
  for (const { seq } of deliveries) {
    if (seen.has(seq) || seq <= reader.after) repeated.push(seq)
    else if (seq < last) disordered.push(seq)
    seen.add(seq)
    last = Math.max(last, seq)
  }
  // Of a reader that was cut, only what lies below its last event can be missing.
  const until = reader.whole ? Math.max(last, ...view.stored(reader.thread).keys()) : last
  const lost: number[] = []
  for (let seq = reader.after + 1; seq <= until; seq += 1) if (!seen.has(seq)) lost.push(seq)
  return { reader, deliveries, lost, repeated, disordered }
}

const some = (positions: readonly number[]): string =>
  `${positions.slice(0, 5).join(', ')}${positions.length > 5 ? ', …' : ''}`

/** Nothing missing, nothing twice, nothing out of order. */
export function violationsOf(reading: Reading): readonly Violation[] {
  const { reader, lost, repeated, disordered } = reading
  const of = `connection ${reader.conn} (${reader.role}${reader.cut === null ? '' : `, cut ${reader.cut}`})`
  const at = { t: reader.t, conn: reader.conn }
  return [
    ...(lost.length > 0 ? [{ what: `${of} never got ${some(lost)}`, ...at }] : []),
    ...(repeated.length > 0 ? [{ what: `${of} got ${some(repeated)} again`, ...at }] : []),
    ...(disordered.length > 0 ? [{ what: `${of} got ${some(disordered)} after a later one`, ...at }] : []),
    ...(reader.role !== 'first_half' && !reader.whole
      ? [{ what: `${of} did not reach the end of the log in time`, ...at }]
      : []),
  ]
}
