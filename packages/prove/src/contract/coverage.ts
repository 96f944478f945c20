import { ClientFrame, ServerFrame, serverFrames } from '@holdfast/protocol'
import { servedContract } from '../checks/protocol-checks.ts'
import type { View } from '../history/view.ts'
import { badTokens } from '../steps/auth.ts'
import { cutPoints } from '../steps/resume.ts'
import { record } from './change.ts'

export interface Coverage {
  readonly name: string
  readonly done: readonly string[]
  readonly missed: readonly string[]
  /** Cannot be brought about from outside: why. */
  readonly unreachable: readonly string[]
}

/** From outside nobody can make a server do these; a proof that counted them would never be whole. */
const unreachableCodes: Readonly<Record<string, string>> = {
  1001: 'a proxy or a browser says it',
  1003: 'a client says it',
  1006: 'it is what no close frame looks like',
  1011: 'a bug of the server',
  1013: 'the store has to be away',
  1014: 'a gateway says it',
  4010: 'a bug of the server',
  4040: 'after fifty minutes',
}

const transitions = [
  'queued → running',
  'running → completed',
  'running → failed',
  'running → cancelled',
  'running → running (take-over)',
  'tool → failed',
  'tool → timed out',
] as const

/** What of the contract this proof has met. Denominators come from the contract that the server gave out. */
export function coverageOf(view: View): readonly Coverage[] {
  const contract = record(servedContract(view))
  const frames = record(contract['frames'])
  const sent = Object.keys(record(frames['clientToServer']))
  const got = Object.keys(record(frames['serverToClient']))
  const types = record(contract['events'])['types']
  const events = Array.isArray(types) ? types.map(String) : []
  const codes = Object.keys(record(contract['closeCodes']))

  const valid = new Set<string>()
  const invalid = new Set<string>()
  for (const { raw, type } of view.sent) (ClientFrame.safeParse(raw).success ? valid : invalid).add(type)
  const received = new Set<string>()
  for (const { raw, type } of view.received) {
    if (received.has(type) || !(type in serverFrames)) continue
    if (ServerFrame.safeParse(raw).success) received.add(type)
  }
  const eventsSeen = new Set<string>()
  for (const list of view.deliveries.values())
    for (const { type, event } of list) if (event !== null) eventsSeen.add(type)
  const closed = new Set(view.closes.map(({ code }) => String(code)))
  // Raw sockets leave no close lines; their cases say what they saw.
  for (const { check, seen } of view.facts('case'))
    if (check.startsWith('frame.'))
      for (const [, code = ''] of seen.matchAll(/close (\d{4})/g)) closed.add(code)

  return [
    row('client→server, valid', sent, valid),
    row('client→server, invalid', sent, invalid),
    row('server→client', got, received),
    row('event types', events, eventsSeen),
    row('close codes', codes, closed, unreachableCodes),
    row('run transitions', transitions, transitionsOf(view)),
    row(
      'cut points',
      cutPoints.map(String),
      new Set(
        view.facts('reader').flatMap(({ cut, role }) => (role === 'resumed' && cut !== null ? [cut] : [])),
      ),
    ),
    row(
      'auth cases × transports',
      authCases(),
      new Set(
        view
          .facts('case')
          .filter(({ check }) => check === 'auth.negative')
          .map(({ name }) => name),
      ),
    ),
  ]
}

function row(
  name: string,
  all: readonly string[],
  met: ReadonlySet<string>,
  unreachable: Readonly<Record<string, string>> = {},
): Coverage {
  const done = all.filter((one) => met.has(one))
  return {
    name,
    done,
    missed: all.filter((one) => !met.has(one) && !(one in unreachable)),
    unreachable: all
      .filter((one) => !met.has(one) && one in unreachable)
      .map((one) => `${one}: ${unreachable[one]}`),
  }
}

const authCases = (): readonly string[] => [
  'HTTP, no credentials',
  ...badTokens('x'.repeat(43), 0).flatMap(([name]) => [`HTTP, ${name}`, `WebSocket, ${name}`]),
  'WebSocket, hello without a token',
  'WebSocket, hello with garbage',
]

function transitionsOf(view: View): ReadonlySet<string> {
  const met = new Set<string>()
  for (const list of view.deliveries.values())
    for (const { event } of list) {
      if (event === null) continue
      if (event.type === 'agent_started') met.add(event.data.attempt > 1 ? transitions[4] : transitions[0])
      if (event.type === 'agent_completed') met.add(transitions[1])
      if (event.type === 'agent_failed') met.add(transitions[2])
      if (event.type === 'agent_cancelled') met.add(transitions[3])
      if (event.type === 'tool_completed' && !event.data.ok) {
        met.add(transitions[5])
        if (event.data.error?.code === 'tool_timeout') met.add(transitions[6])
      }
    }
  return met
}

/** `client→server, valid 6/6 · … · close codes 11/14 (+8 unreachable)` */
export function coverageLine(coverage: readonly Coverage[]): string {
  return coverage
    .map(({ name, done, missed, unreachable }) => {
      const plus = unreachable.length > 0 ? ` (+${unreachable.length} unreachable)` : ''
      return `${name} ${done.length}/${done.length + missed.length}${plus}`
    })
    .join(' · ')
}
