import { z } from 'zod'

/** proof.json. Everything in it follows from the history; whoever has that can make it again, byte for byte. */
export const formatVersion = 1

const Violation = z.strictObject({ what: z.string(), t: z.number(), conn: z.number().optional() })

export const CheckResult = z.strictObject({
  id: z.string(),
  title: z.string(),
  group: z.string(),
  required: z.boolean(),
  invariant: z.boolean(),
  outcome: z.enum(['passed', 'failed', 'not_exercised', 'unsure']),
  waived: z.strictObject({ owner: z.string(), reason: z.string(), expires: z.string() }).nullable(),
  situations: z.number(),
  minimum: z.number(),
  says: z.string(),
  violations: z.number(),
  /** The first of them. */
  examples: z.array(Violation),
  measured: z.record(z.string(), z.number()),
  notes: z.array(z.string()),
  /** After a failure: `3 of 5 more tries failed`. */
  diagnosis: z.string().nullable(),
})
export type CheckResult = z.infer<typeof CheckResult>

export const StagingTest = z.strictObject({
  name: z.string(),
  checks: z.array(z.string()),
  total: z.number(),
  passed: z.number(),
  failed: z.number(),
  notExercised: z.number(),
  /** Of those that were exercised, 0 to 1. */
  passRate: z.number(),
  situations: z.number(),
  coverage: z.string(),
  seconds: z.number(),
})
export type StagingTest = z.infer<typeof StagingTest>

const Interval = z.strictObject({
  estimate: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
})

export const Proof = z.strictObject({
  format: z.literal(formatVersion),
  verdict: z.enum(['GO', 'NO-GO', 'INCONCLUSIVE']),
  /** `GO, 1 waived` */
  headline: z.string(),
  reasons: z.array(z.string()),
  id: z.string(),
  tool: z.string(),
  url: z.string(),
  profile: z.string(),
  startedAt: z.string(),
  seconds: z.number(),
  build: z.strictObject({
    commit: z.string(),
    image: z.string(),
    contract: z.string(),
    schema: z.string(),
    source: z.enum(['operator', 'server-asserted']),
    nodes: z.array(z.string()),
  }),
  model: z.enum(['simulated', 'real', 'none']),
  users: z.number(),
  totals: z.strictObject({
    checks: z.number(),
    passed: z.number(),
    failed: z.number(),
    notExercised: z.number(),
    unsure: z.number(),
    passRate: z.number(),
  }),
  staging: z.array(StagingTest),
  checks: z.array(CheckResult),
  coverage: z.array(
    z.strictObject({
      name: z.string(),
      done: z.array(z.string()),
      missed: z.array(z.string()),
      unreachable: z.array(z.string()),
    }),
  ),
  contract: z.strictObject({
    says: z.string(),
    source: z.string(),
    changes: z.array(
      z.strictObject({ kind: z.string(), rule: z.string(), path: z.string(), what: z.string() }),
    ),
  }),
  comparison: z.array(
    z.strictObject({
      metric: z.string(),
      pairs: z.number(),
      stableMs: z.number(),
      candidateMs: z.number(),
      ratio: Interval,
      p: z.number(),
      pHolm: z.number(),
      verdict: z.enum(['worse', 'not worse', 'unsure']),
      tail: z.strictObject({
        candidate: z.number(),
        stable: z.number(),
        lower: z.number(),
        worse: z.boolean(),
      }),
      ratios: z.array(z.number()),
    }),
  ),
  /** Against an earlier proof: other hours, other machines, and so no reason for NO-GO. */
  historical: z
    .strictObject({
      madeAt: z.string(),
      verdict: z.string(),
      commit: z.string(),
      metrics: z.array(
        z.strictObject({
          metric: z.string(),
          beforeMs: z.number(),
          nowMs: z.number(),
          shift: Interval,
          slower: z.boolean(),
        }),
      ),
      checks: z.array(z.strictObject({ id: z.string(), before: z.string(), now: z.string() })),
    })
    .nullable(),
  risk: z.strictObject({ level: z.enum(['HIGH', 'MEDIUM', 'LOW']), facts: z.array(z.string()) }),
  wouldMiss: z.array(z.string()),
  rollback: z.strictObject({
    previous: z.string(),
    command: z.string(),
    rehearsed: z.boolean(),
    seconds: z.number().nullable(),
    schema: z.string(),
    openSockets: z.string(),
  }),
  killMatrix: z.strictObject({ hash: z.string(), line: z.string() }).nullable(),
  /** Raw, in ms: for charts, and as a baseline of a later proof. */
  samples: z.record(z.string(), z.array(z.number())),
  closes: z.array(z.strictObject({ code: z.number(), count: z.number(), by: z.string() })),
  timeline: z.array(
    z.strictObject({
      label: z.string(),
      from: z.number(),
      to: z.number(),
      ok: z.boolean(),
      cut: z.string().nullable(),
    }),
  ),
  steps: z.array(z.strictObject({ id: z.string(), seconds: z.number(), trouble: z.string().nullable() })),
})
export type Proof = z.infer<typeof Proof>

/** JSON Schema 2020-12 of proof.json; objects take no further properties. */
export const proofSchema = (): object => ({
  $id: 'https://holdfast.invalid/proof/v1.json',
  title: 'Proof of a deployment',
  ...z.toJSONSchema(Proof, { target: 'draft-2020-12' }),
})
