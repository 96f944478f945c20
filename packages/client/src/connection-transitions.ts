/** What each state does about each event. */
import {
  check,
  connect,
  drop,
  end,
  gone,
  hurry,
  isStale,
  lose,
  offlineUntilMs,
  refused,
  replace,
  retryNow,
  stay,
  unrenewed,
  wait,
  withFacts,
} from './connection-moves.ts'
import {
  type ConnectionEvent,
  type ConnectionState,
  connectionLimits,
  type EventKind,
  type EventOf,
  type Moment,
  type StateKind,
  type StateOf,
  type Step,
} from './connection-state.ts'

type Handler<State extends StateKind, Event extends EventKind> = (
  state: StateOf<State>,
  event: EventOf<Event>,
  moment: Moment,
) => Step
/** Every cell has to be there: a new state or event does not compile until all of them are thought of. */
type Table = Readonly<{ [State in StateKind]: Readonly<{ [Event in EventKind]: Handler<State, Event> }> }>

/** What every state without a plan of its own does about the world around it. */
const noted = {
  wanted: withFacts({ wanted: true }),
  unwanted: withFacts({ wanted: false }),
  online: withFacts({ offline: false }),
  offline: withFacts({ offline: true }),
  visible: withFacts({ hidden: false }),
  hidden: withFacts({ hidden: true }),
} as const
/** Echoes of a transport or a question that this state no longer has. */
const echoes = {
  opened: stay,
  ready: stay,
  frame: stay,
  drain: stay,
  lost: stay,
  due: stay,
  token: stay,
  token_refused: stay,
} as const
const table: Table = {
  idle: {
    ...noted,
    ...echoes,
    wanted: ({ facts }, _event, moment) => connect({ ...facts, wanted: true }, moment),
    close: end,
  },
  renewing: {
    ...noted,
    ...echoes,
    token: ({ facts }, _event, moment) => connect(facts, moment),
    token_refused: refused,
    lost: unrenewed,
    due: unrenewed,
    close: end,
  },
  connecting: {
    ...noted,
    ...echoes,
    opened: ({ facts }, _event, { nowMs }) => ({
      state: { kind: 'greeting', facts, dueMs: nowMs + connectionLimits.readyMs },
      effects: [{ kind: 'greet' }],
    }),
    token: (state) => stay({ ...state, hasToken: true }),
    lost: lose,
    due: gone,
    token_refused: refused,
    close: end,
  },
  greeting: {
    ...noted,
    ...echoes,
    ready: ({ facts }, _event, { nowMs }) =>
      stay({
        kind: 'ready',
        facts: { ...facts, failures: null },
        sinceMs: nowMs,
        lastFrameMs: nowMs,
        drain: null,
      }),
    lost: lose,
    due: gone,
    close: end,
  },
  ready: {
    ...noted,
    ...echoes,
    frame: (state, _event, { nowMs }) => stay({ ...state, lastFrameMs: nowMs }),
    drain: (state, { leaveWithinMs }, { nowMs }) =>
      stay({
        ...state,
        drain: { leaveWithinMs, untilMs: nowMs + leaveWithinMs + connectionLimits.drainGraceMs },
      }),
    lost: lose,
    due: gone,
    online: (state, _event, moment) => check(state, { offline: false }, moment),
    visible: (state, _event, moment) => check(state, { hidden: false }, moment),
    // Not believed before it is tried: a network may be gone, or only the platform's idea of it.
    offline: (state, _event, moment) => check(state, { offline: true }, moment),
    close: end,
  },
  probing: {
    ...noted,
    ...echoes,
    frame: ({ facts, sinceMs, drain: announced }, _event, { nowMs }) =>
      stay({ kind: 'ready', facts, sinceMs, drain: announced, lastFrameMs: nowMs }),
    lost: lose,
    due: (state, _event, moment) => replace(state, moment),
    close: end,
  },
  waiting: {
    ...noted,
    ...echoes,
    due: retryNow,
    online: (state, _event, moment) => hurry({ ...state.facts, offline: false }, state, moment),
    visible: (state, _event, moment) => hurry({ ...state.facts, hidden: false }, state, moment),
    offline: ({ facts, earliestMs }, _event, { nowMs }) =>
      stay({
        kind: 'offline',
        facts: { ...facts, offline: true },
        earliestMs,
        dueMs: offlineUntilMs(earliestMs, nowMs),
      }),
    close: end,
  },
  offline: {
    ...noted,
    ...echoes,
    due: retryNow,
    online: (state, _event, moment) => hurry({ ...state.facts, offline: false }, state, moment),
    close: end,
  },
  fallback: {
    ...noted,
    ...echoes,
    frame: (state, _event, { nowMs }) => stay({ ...state, lastFrameMs: nowMs }),
    lost: lose,
    // C2: what carries less than a WebSocket is not what a client ends with.
    due({ facts }, _event, moment) {
      const { state, effects } = connect(facts, moment)
      return { state, effects: [drop, ...effects] }
    },
    unwanted: ({ facts }) => ({
      state: { kind: 'idle', facts: { ...facts, wanted: false } },
      effects: [drop],
    }),
    // Another network may let WebSockets through.
    online: ({ facts }, _event, moment) => wait({ ...facts, offline: false }, 0, 0, moment),
    visible: (state, _event, moment) =>
      isStale(state.lastFrameMs, moment.nowMs)
        ? wait({ ...state.facts, hidden: false }, 0, 0, moment)
        : noted.visible(state),
    close: end,
  },
  stopped: {
    ...noted,
    ...echoes,
    wanted: ({ facts }, _event, moment) => connect({ ...facts, wanted: true }, moment),
    close: end,
  },
  closed: {
    ...echoes,
    wanted: stay,
    unwanted: stay,
    online: stay,
    offline: stay,
    visible: stay,
    hidden: stay,
    close: stay,
  },
}

export function transition(state: ConnectionState, event: ConnectionEvent, moment: Moment): Step {
  // Each cell takes its own state and event; that the two belong to the cell is what the lookup says.
  const cell = table[state.kind][event.kind] as (
    state: ConnectionState,
    event: ConnectionEvent,
    moment: Moment,
  ) => Step
  return cell(state, event, moment)
}
