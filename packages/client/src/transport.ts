import type { ClientFrame, EpochId } from '@holdfast/protocol'
import type { ReceivedFrame } from './received-frame.ts'

/** What carries frames: a WebSocket, or server-sent events that speak as if they were one. */
export interface Transport {
  /** A frame that cannot be sent anymore is dropped; the next connection asks for everything. */
  send(frame: ClientFrame): void
  /** What it still says afterwards is for nobody: who opened it no longer listens. Safe twice. */
  close(code: number): void
}

export interface TransportPort {
  opened(): void
  /** Something arrived. */
  alive(): void
  /** Of the log behind the streams; before the first of their frames. */
  epoch(epoch: EpochId): void
  frame(frame: ReceivedFrame): void
  /** It has ended, or is of no use. */
  lost(code: number, reason: string): void
}
