import type { Position, RequestId, RunId, StoredEvent } from '@holdfast/protocol'
import { advanceTurn, type RequestProgress, type Turn, turnOf } from './turn.ts'

/**
 * What is known of a thread: its turns from some place in the log on. Pure; untouched turns keep their identity, so that
 * what is drawn of them is not drawn again.
 */
export interface ThreadView {
  /** In the order in which they were asked. */
  readonly order: readonly RunId[]
  readonly turns: ReadonlyMap<RunId, Turn>
  /** Fields of each data request that have come since. */
  readonly satisfied: RequestProgress
  /**
   * Events of runs that were queued before the first event here and went on after it. They are taken up when the part
   * of the log before is read.
   */
  readonly cut: ReadonlyMap<RunId, readonly StoredEvent[]>
  /** The last event applied; 0: none yet. */
  readonly seq: Position | 0
}

export const emptyView: ThreadView = {
  order: [],
  turns: new Map(),
  satisfied: new Map(),
  cut: new Map(),
  seq: 0,
}

export function applyEvents(view: ThreadView, events: readonly StoredEvent[]): ThreadView {
  if (events.length === 0) return view
  const turns = new Map(view.turns)
  const satisfied = new Map(view.satisfied)
  const cut = new Map(view.cut)
  const order = [...view.order]
  for (const event of events) {
    const { runId } = event
    const turn = turns.get(runId)
    if (event.type === 'run_queued' && turn === undefined) {
      order.push(runId)
      turns.set(runId, turnOf(event))
    } else if (turn !== undefined) turns.set(runId, advanceTurn(turn, event))
    else cut.set(runId, [...(cut.get(runId) ?? []), event])
    if (event.type === 'data_received') noteReceived(satisfied, event.data)
  }
  return { order, turns, satisfied, cut, seq: events.at(-1)?.seq ?? view.seq }
}

function noteReceived(
  satisfied: Map<RequestId, ReadonlySet<string>>,
  { requestId, satisfied: fields }: { readonly requestId: RequestId; readonly satisfied: readonly string[] },
): void {
  satisfied.set(requestId, new Set([...(satisfied.get(requestId) ?? []), ...fields]))
}

/** The view with the part of the log that ends just before it. */
export function prependEvents(view: ThreadView, older: readonly StoredEvent[]): ThreadView {
  const begun = applyEvents(emptyView, older)
  const tails = begun.order.flatMap((runId) => view.cut.get(runId) ?? [])
  const whole = applyEvents(begun, tails)
  const satisfied = new Map(whole.satisfied)
  for (const [requestId, fields] of view.satisfied)
    satisfied.set(requestId, new Set([...(satisfied.get(requestId) ?? []), ...fields]))
  return {
    order: [...whole.order, ...view.order],
    turns: new Map([...whole.turns, ...view.turns]),
    satisfied,
    // Whatever began before even this part.
    cut: new Map([...whole.cut, ...[...view.cut].filter(([runId]) => !begun.turns.has(runId))]),
    seq: view.seq,
  }
}

/** The run whose worker is at it, or the one that waits longest. */
export function activeTurn(view: ThreadView): Turn | null {
  let waiting: Turn | null = null
  for (const runId of view.order) {
    const turn = view.turns.get(runId)
    if (turn?.phase === 'running') return turn
    if (turn?.phase === 'queued') waiting ??= turn
  }
  return waiting
}
