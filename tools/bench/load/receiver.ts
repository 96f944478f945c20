/** One user's connection to a contender, as the load processes hold it. */
export interface Receiver {
  /** Asks for a run of so many events; resolves when its end has arrived. Events out of place reject. */
  run(events: number, heard: Heard): Promise<void>
  /**
   * Makes this many events that the user has missed, or lets all that are there count as missed; then connects and asks
   * for them. Milliseconds from the beginning of the connection to the last event. null: there is no such thing.
   */
  readonly replay: ((events: number) => Promise<number>) | null
  close(): Promise<void>
}

/** Told to a receiver while a run arrives. Times are those of sharedNowMs. */
export interface Heard {
  /** The agent has begun: known here and now, or at a moment on the server's clock. */
  started?(atMs?: number): void
  /** When the server made the event; Holdfast: when its commit statement ran. */
  event(madeAtMs: number): void
}

export interface ReceiverOptions {
  readonly url: string
  /** Empty where the contender knows no users. */
  readonly token: string
  readonly user: number
  /** The thread to follow, where it is there already; null: a new one. */
  readonly thread: string | null
  /** Bytes of what arrived, frames' texts only. */
  readonly received: (bytes: number) => void
  /** The connection is live: for the first time, and after every loss. */
  readonly live: () => void
}

export type Connect = (options: ReceiverOptions) => Promise<Receiver>

export const receiverNames = [
  'holdfast-thin',
  'holdfast-client',
  'socket-io-thin',
  'socket-io-client',
  'ws-thin',
  'lang-graph-sse',
  'post-run',
] as const
export type ReceiverName = (typeof receiverNames)[number]

/** Loaded by name, so that a load process holds one kind and nothing else. */
export async function receiverOf(name: ReceiverName): Promise<Connect> {
  switch (name) {
    case 'holdfast-thin':
      return (await import('./holdfast-thin.ts')).connectHoldfastThin
    case 'holdfast-client':
      return (await import('./holdfast-client.ts')).connectHoldfastClient
    case 'socket-io-thin':
      return (await import('./socket-io-thin.ts')).connectSocketIoThin
    case 'socket-io-client':
      return (await import('./socket-io-client.ts')).connectSocketIoClient
    case 'ws-thin':
      return (await import('./ws-thin.ts')).connectWsThin
    case 'lang-graph-sse':
      return (await import('./lang-graph-sse.ts')).connectLangGraph
    case 'post-run':
      return (await import('./post-run.ts')).connectPostRun
    default:
      return name satisfies never
  }
}
