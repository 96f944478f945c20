import {
  type ConnectionEvent,
  type ConnectionState,
  type EventKind,
  type Facts,
  initialState,
  type StateKind,
} from './connection-state.ts'

const half = (): number => 0.5
export const at = (nowMs: number, random = half) => ({ nowMs, random })
export const facts: Facts = {
  ...initialState({ canRenew: true, canFallBack: true }).facts,
  wanted: true,
  failures: null,
}
const live = { sinceMs: 0, lastFrameMs: 10_000, drain: null }
export const states = {
  idle: { kind: 'idle', facts: { ...facts, wanted: false } },
  renewing: { kind: 'renewing', facts, dueMs: 20_000 },
  connecting: { kind: 'connecting', facts, dueMs: 15_000, hasToken: true },
  greeting: { kind: 'greeting', facts, dueMs: 15_000 },
  ready: { kind: 'ready', facts, ...live },
  probing: { kind: 'probing', facts, dueMs: 12_000, ...live },
  waiting: { kind: 'waiting', facts, dueMs: 20_000, earliestMs: 10_000 },
  offline: { kind: 'offline', facts, dueMs: 310_000, earliestMs: 10_000 },
  fallback: { kind: 'fallback', facts, sinceMs: 0, lastFrameMs: 10_000 },
  stopped: { kind: 'stopped', facts: { ...facts, wanted: false }, closeCode: 4501 },
  closed: { kind: 'closed', facts: { ...facts, wanted: false } },
} as const satisfies { readonly [Kind in StateKind]: Extract<ConnectionState, { kind: Kind }> }
export const events = {
  wanted: { kind: 'wanted' },
  unwanted: { kind: 'unwanted' },
  opened: { kind: 'opened' },
  ready: { kind: 'ready' },
  frame: { kind: 'frame' },
  drain: { kind: 'drain', leaveWithinMs: 6_000 },
  lost: { kind: 'lost', code: 1006, reason: '' },
  due: { kind: 'due' },
  online: { kind: 'online' },
  offline: { kind: 'offline' },
  visible: { kind: 'visible' },
  hidden: { kind: 'hidden' },
  token: { kind: 'token' },
  token_refused: { kind: 'token_refused', cause: new Error('signed out') },
  close: { kind: 'close' },
} as const satisfies { readonly [Kind in EventKind]: Extract<ConnectionEvent, { kind: Kind }> }
