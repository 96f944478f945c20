import { ArtifactId, Chart, Figure, Outcome, Question, Recommendation, Sufficiency } from '@holdfast/protocol'
import { z } from 'zod'

/**
 * What the data helper's tools answer. The tools write these, the offline rules and later tools read them, and a
 * recovered run reads them from the log: so they are schemas, checked on both sides.
 */

/** What the message asks for, once wording, files and the thread's earlier questions are put together. */
export const TriageOutput = z.discriminatedUnion('decision', [
  z.object({
    decision: z.literal('analyse'),
    /** The question being answered: an earlier one of the thread where the message only brings what it lacked. */
    question: z.string(),
    playbook: z.string(),
    /** Of a simple question: how it was read, for people. */
    readAs: z.string().nullable(),
  }),
  z.object({ decision: z.literal('sql'), sql: z.string() }),
  z.object({
    decision: z.literal('ask'),
    question: z.string(),
    /** Why something has to be asked, in a sentence. */
    why: z.string(),
    ask: Question,
  }),
])
export type TriageOutput = z.infer<typeof TriageOutput>

export const ProfileOutput = z.object({
  files: z.array(
    z.object({
      file: z.string(),
      kind: z.string(),
      rows: z.int(),
      columns: z.array(
        z.object({ name: z.string(), type: z.string(), filled: z.int(), samples: z.array(z.string()) }),
      ),
      /** Columns beyond those listed. */
      moreColumns: z.int(),
      problems: z.array(z.string()),
    }),
  ),
  unreadable: z.array(z.object({ file: z.string(), why: z.string() })),
})
export type ProfileOutput = z.infer<typeof ProfileOutput>

export const MapOutput = z.object({
  files: z.array(
    z.object({
      file: z.string(),
      format: z.string().nullable(),
      grain: z.string(),
      fields: z.array(
        z.object({
          field: z.string(),
          columns: z.array(z.string()),
          confidence: z.number(),
          evidence: z.string(),
        }),
      ),
      notes: z.array(z.string()),
    }),
  ),
})
export type MapOutput = z.infer<typeof MapOutput>

export const VerdictOutput = z.object({
  playbook: z.string(),
  sufficiency: Sufficiency,
  missing: z.array(z.string()),
  reductions: z.array(z.string()),
  question: z.string().nullable(),
})
export type VerdictOutput = z.infer<typeof VerdictOutput>

/** A stored query result, by reference: its rows are the artifact (L7). */
export const QueryRef = z.object({
  id: z.string(),
  title: z.string(),
  verified: z.boolean(),
  artifactId: ArtifactId,
  rows: z.int(),
  columns: z.array(z.string()),
})
export type QueryRef = z.infer<typeof QueryRef>

export const AnalysisOutput = z.object({
  playbook: z.string(),
  title: z.string(),
  outcome: z.enum(['answered', 'partial']),
  figures: z.array(Figure),
  paragraphs: z.array(z.string()),
  caveats: z.array(z.string()),
  /** Ranked. The defaults are for runs begun before there were any. */
  recommendations: z.array(Recommendation).default([]),
  /** What only the user can decide, asked with the answer. */
  followUp: Question.nullable().default(null),
  queries: z.array(QueryRef),
  /** Charts worth drawing: their plan is a ChartPlan over the query of that id. */
  plans: z.array(z.object({ query: z.string(), plan: z.record(z.string(), z.unknown()) })),
})
export type AnalysisOutput = z.infer<typeof AnalysisOutput>

export const ChartsOutput = z.object({ charts: z.array(Chart) })
export type ChartsOutput = z.infer<typeof ChartsOutput>

/** Of the two tools that settle a run: what the assistant says, and how the run ends. */
export const SettledOutput = z.object({ outcome: Outcome, summary: z.string(), text: z.string() })
export type SettledOutput = z.infer<typeof SettledOutput>
