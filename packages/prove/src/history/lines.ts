import { z } from 'zod'

/**
 * The history of a proof: a line for everything that was sent, received, opened, refused, closed or decided. The judge
 * reads nothing else, so that whoever has the history can judge again (H1). No line holds a secret (H2): the recorder
 * puts `[secret:name]` in its place, and the judge finds a leak by that mark.
 */
const base = {
  /** Nanoseconds since the proof began, on a clock that never goes back. */
  t: z.number().min(0),
  /** The step of the proof in which it happened. */
  s: z.string(),
}

const HttpLine = z.object({
  ...base,
  k: z.literal('http'),
  id: z.int(),
  user: z.string().nullable(),
  method: z.string(),
  path: z.string(),
  /** Why it was sent, where a check looks for it. */
  about: z.string().nullable(),
  ms: z.number(),
  /** null: no answer. */
  status: z.int().nullable(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  bytes: z.int(),
  /** Connecting was tried again this often (R: only before the first byte). */
  retries: z.int(),
  error: z.string().nullable(),
})

const OpenLine = z.object({
  ...base,
  k: z.literal('open'),
  conn: z.int(),
  user: z.string().nullable(),
  about: z.string().nullable(),
  ms: z.number(),
  headers: z.record(z.string(), z.string()),
  retries: z.int(),
})

const RefusedLine = z.object({
  ...base,
  k: z.literal('refused'),
  conn: z.int(),
  user: z.string().nullable(),
  about: z.string().nullable(),
  ms: z.number(),
  /** null: not even a refusal came. */
  status: z.int().nullable(),
  body: z.string(),
  retries: z.int(),
  error: z.string().nullable(),
})

const FrameLine = z.object({ ...base, k: z.enum(['in', 'out']), conn: z.int(), text: z.string() })

const CloseLine = z.object({
  ...base,
  k: z.literal('close'),
  conn: z.int(),
  code: z.int(),
  reason: z.string(),
  /** we: this prover closed or cut it. server: it did. */
  by: z.enum(['we', 'server']),
})

const FactLine = z.object({
  ...base,
  k: z.literal('fact'),
  name: z.string(),
  data: z.record(z.string(), z.json()),
})

export const Line = z.discriminatedUnion('k', [
  HttpLine,
  OpenLine,
  RefusedLine,
  FrameLine,
  CloseLine,
  FactLine,
])
export type Line = z.infer<typeof Line>
export type HttpLine = z.infer<typeof HttpLine>
export type OpenLine = z.infer<typeof OpenLine>
export type RefusedLine = z.infer<typeof RefusedLine>
export type FrameLine = z.infer<typeof FrameLine>
export type CloseLine = z.infer<typeof CloseLine>

/** What this prover did or knew. Each is a line of its own. */
export interface Facts {
  /** The first line: what was to be proved, and how. */
  proof: {
    format: 1
    id: string
    tool: string
    url: string
    against: string | null
    profile: string
    startedAt: string
    expectCommit: string | null
    expectImage: string | null
    steps: string[]
    plan: Record<string, number>
    hooks: string[]
    simulated: boolean
    waivers: { check: string; owner: string; reason: string; expires: string }[]
    identitySource: 'operator' | 'server'
    previous: string | null
    rollbackCommand: string | null
  }
  /** The contract that clients were built against; contract.diff compares with it. */
  reference: { contract: unknown; source: string }
  /** What an earlier proof measured, where there is one. */
  baseline: {
    madeAt: string
    verdict: string
    commit: string
    samples: Record<string, number[]>
    checks: Record<string, string>
  }
  /** What this prover was itself shown to catch. */
  kill_matrix: { hash: string; line: string }
  person: { user: string; userId: string; kind: string }
  thread: { user: string; thread: string }
  run: {
    user: string
    thread: string
    run: string
    nonce: string
    does: string
    calls: number
    /** When it was sent, in ns of the history: latency counts from here. */
    sentAt: number
    /** The connection that follows its thread live; null: none does. */
    conn: number | null
    ends: 'agent_completed' | 'agent_failed' | 'agent_cancelled'
    scripted: boolean
    offered: string
  }
  /** A connection that reads a thread, and what it ought to have got. */
  reader: {
    conn: number
    user: string
    thread: string
    after: number
    role: 'live' | 'second' | 'resumed' | 'first_half'
    /** Everything up to the thread's head was waited for: what is missing is lost. */
    whole: boolean
    cut: string | null
    run: string | null
  }
  /** One case of a check with a name of its own: what was tried and what was seen. */
  case: { check: string; name: string; expected: string; seen: string; ok: boolean; strict: boolean }
  hook: { hook: string; exit: number; ms: number }
  /** Of the machine that proves: how long its event loop stood still at most. */
  block: { label: string; seconds: number; stallMs: number; cpu: number }
  sample: {
    pair: number
    side: 'candidate' | 'stable'
    metric: string
    values: number[]
    discarded: boolean
    failed: number
  }
  tls: { authorized: boolean; error: string | null; validTo: string; subject: string; now: string }
  /** After a failure the check was tried again, for a description and not for the verdict. */
  diagnosis: { check: string; failed: number; of: number }
  skipped: { step: string; why: string }
  trouble: { step: string; what: string }
  ended: { seconds: number }
}
export type FactName = keyof Facts
