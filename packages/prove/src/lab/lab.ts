import { randomBytes } from 'node:crypto'
import { proofAgentName, proofMessage } from '@holdfast/protocol'
import type { Recorder } from '../history/recorder.ts'
import type { Plan, Profile } from '../plan/profiles.ts'
import { type Agents, ask, type HttpAnswer, type HttpOptions, openAgents } from '../wire/http.ts'
import { openSocket, type ProofSocket, type SocketOptions } from '../wire/socket.ts'

/** The time of the proof was over: what was going on is neither a fault of the server nor proved. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** Somebody the proof acts as. In local mode several of them are one user. */
export interface Person {
  /** `prove-<id>-u01`: whatever is left behind is found by it. */
  readonly name: string
  readonly token: string
  readonly userId: string
  readonly kind: string
}

/** What stops, kills or rolls back the server: a command of the operator's, or a function in a test. */
export type Hook = () => Promise<number>

export interface SimulationKey {
  readonly key: string
  /** The host that the server signs for (E2E_SIMULATION_HOST). */
  readonly host: string
}

export interface LabOptions {
  readonly url: string
  readonly recorder: Recorder
  readonly profile: Profile
  readonly id: string
  readonly tokens: readonly string[]
  readonly simulation: SimulationKey | null
  readonly hooks: Readonly<Partial<Record<'restart' | 'kill' | 'rollback', Hook>>>
  readonly ca: string | null
  /** Nothing is begun after this, by performance.now(); what was begun before is waited for as long as ever. */
  readonly deadline: { at: number }
  readonly agents?: Agents
}

export type Script = Omit<Parameters<typeof proofMessage>[0], 'nonce'>

export interface Submitted {
  readonly run: string
  readonly nonce: string
  readonly thread: string
}

/** Everything a step acts with. What it does is in the recorder; what it returns is only for the next step. */
export interface Lab extends LabOptions {
  readonly plan: Plan
  readonly agents: Agents
  readonly people: Person[]
  /** Threads made, with whose they are: taken away at the end. */
  readonly threads: { readonly person: Person; readonly thread: string }[]
  /** The proof agent is there for these people. */
  scripted: boolean
  /** What the server says that it is for; null: nobody could ask. */
  tier: string | null
  /** On other servers, where users were simulated as well: purged at the end. */
  readonly abroad: Lab[]
  http(
    person: Person | null,
    options: Omit<HttpOptions, 'timeoutMs' | 'user' | 'agents'>,
  ): Promise<HttpAnswer>
  socket(person: Person | null, options?: Partial<SocketOptions>): Promise<ProofSocket>
  /** Open, greeted, and subscribed to `subs`; null where the server did not do that. */
  session(
    person: Person,
    subs: readonly Sub[],
    about?: string,
    options?: Partial<SocketOptions>,
  ): Promise<ProofSocket | null>
  newThread(person: Person): Promise<string | null>
  submit(person: Person, thread: string, script: Script, options?: SubmitOptions): Promise<Submitted | null>
  /** Reads the whole stored log of a thread, page by page, for the judge. */
  readLog(person: Person, thread: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Until the run has ended, by asking; false: not within the patience. */
  ended(person: Person, run: string, patienceMs?: number): Promise<boolean>
}

export interface Sub {
  readonly stream: string
  readonly after: number | 'start' | 'head'
  readonly epoch?: string
}

export interface SubmitOptions {
  readonly key?: string
  readonly conn?: number
  readonly ends?: 'agent_completed' | 'agent_failed' | 'agent_cancelled'
}

export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')

export function createLab(options: LabOptions): Lab {
  const { url, recorder, profile, ca, deadline } = options
  const plan: Plan = {
    ...profile.plan,
    /**
     * Never shortened: an answer that comes later than the proof ends is no fault of the server's.
     * @throws {DeadlineError} nothing is begun any more
     */
    get patienceMs() {
      if (performance.now() >= deadline.at) throw new DeadlineError('The time of the proof was over')
      return profile.plan.patienceMs
    },
  }
  const agents = options.agents ?? openAgents()
  let instances = 0

  const lab: Lab = {
    ...options,
    plan,
    agents,
    people: [],
    threads: [],
    scripted: false,
    tier: null,
    abroad: [],
    http: async (person, given) =>
      ask(recorder, url, {
        ca,
        ...given,
        agents,
        user: person?.name ?? null,
        token: given.token ?? person?.token ?? null,
        timeoutMs: plan.patienceMs,
      }),
    socket: async (person, given = {}) =>
      openSocket(recorder, url, {
        ca,
        user: person?.name ?? null,
        token: person?.token ?? null,
        timeoutMs: plan.patienceMs,
        ...given,
      }),
    async session(person, subs, about, given = {}) {
      const socket = await lab.socket(person, { ...given, ...(about === undefined ? {} : { about }) })
      instances += 1
      socket.send({ type: 'hello', instance: `${options.id}-${instances}`, subs })
      const ready = await socket.wait(({ type }) => type === 'ready', plan.patienceMs)
      if (ready === null) {
        await socket.close()
        return null
      }
      for (const { stream } of subs) {
        const answered = await socket.wait(
          (frame) =>
            (frame['type'] === 'sub_ok' || frame['type'] === 'sub_err') && frame['stream'] === stream,
          plan.patienceMs,
        )
        if (answered === null) break
      }
      return socket
    },
    async newThread(person) {
      const made = await lab.http(person, {
        method: 'POST',
        path: '/v1/threads',
        body: { title: person.name },
      })
      const thread = made.json()?.['id']
      if (made.status !== 201 || typeof thread !== 'string') return null
      lab.threads.push({ person, thread })
      recorder.fact('thread', { user: person.name, thread })
      return thread
    },
    async submit(person, thread, script, { key, conn, ends = 'agent_completed' } = {}) {
      const nonce = randomHex(16)
      const sentAt = recorder.nowNs()
      const body = lab.scripted
        ? { agent: proofAgentName, model: 'offline', message: proofMessage({ nonce, ...script }) }
        : { message: `What does my data hold? (proof ${nonce})` }
      const answer = await lab.http(person, {
        method: 'POST',
        path: `/v1/threads/${thread}/runs`,
        headers: { 'idempotency-key': key ?? `prove-${nonce}` },
        body,
        about: 'submit',
      })
      const run = answer.json()?.['id']
      if (answer.status !== 202 || typeof run !== 'string') return null
      recorder.fact('run', {
        user: person.name,
        thread,
        run,
        nonce,
        does: lab.scripted ? script.do : 'ask',
        calls: script.calls ?? 1,
        sentAt,
        conn: conn ?? null,
        ends,
        scripted: lab.scripted,
        offered: key ?? '',
      })
      return { run, nonce, thread }
    },
    async readLog(person, thread) {
      const items: Readonly<Record<string, unknown>>[] = []
      for (let after = 0, pages = 0; pages < 100; pages += 1) {
        const page = await lab.http(person, {
          path: `/v1/threads/${thread}/events?after=${after}&limit=1000`,
          about: 'log',
        })
        const got = page.json()
        const list = Array.isArray(got?.['items'])
          ? (got['items'] as Readonly<Record<string, unknown>>[])
          : []
        items.push(...list)
        const last = list.at(-1)?.['seq']
        if (page.status !== 200 || typeof last !== 'number' || last <= after || last >= Number(got?.['head']))
          return items
        after = last
      }
      return items
    },
    async ended(person, run, patienceMs = plan.patienceMs) {
      const until = performance.now() + patienceMs
      for (;;) {
        const answer = await lab.http(person, { path: `/v1/runs/${run}`, about: 'poll' })
        const status = answer.json()?.['status']
        if (status === 'completed' || status === 'failed' || status === 'cancelled') return true
        if (performance.now() > until) return false
        await pause(pollMs)
      }
    },
  }
  return lab
}

const pollMs = 40

/** All of them to their end, also where one broke off: nothing goes on behind the back of the next step. */
export async function together(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === 'rejected') throw one.reason
}

/** Where there is nothing to wait for but time: silence that has to last, a server that has to come back. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const threadStream = (thread: string): string => `thread/${thread}`

export const isTerminal = (frame: Readonly<Record<string, unknown>>, run: string): boolean =>
  frame['type'] === 'ev' &&
  Array.isArray(frame['items']) &&
  frame['items'].some(
    (item: unknown) =>
      typeof item === 'object' &&
      item !== null &&
      Reflect.get(item, 'runId') === run &&
      /^agent_(completed|failed|cancelled)$/.test(String(Reflect.get(item, 'type'))),
  )
