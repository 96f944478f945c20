import { z } from 'zod'
import { ArtifactId } from './ids.ts'

/** A cell of a query result. Timestamps are RFC 3339 text in UTC; integers beyond 2^53 are text. */
export const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()])
export type Cell = z.infer<typeof Cell>

/** A stored query result: the SQL as it ran and the rows it gave. */
export const QueryResult = z.object({
  id: z.string().describe('unique within the report, e.g. cost_by_model'),
  title: z.string(),
  sql: z.string(),
  verified: z.boolean().describe('true: hand-written and tested with a playbook; false: ad-hoc SQL'),
  columns: z.array(z.string()),
  rows: z.array(z.array(Cell)),
  truncated: z.boolean().describe('more rows existed than were kept'),
  artifactId: ArtifactId.optional(),
})
export type QueryResult = z.infer<typeof QueryResult>

/** D3: a figure and the one cell it comes from. */
export const Figure = z.object({
  id: z.string(),
  label: z.string(),
  value: z.union([z.number(), z.string(), z.null()]),
  unit: z.string().describe('USD, ms, requests/min, tokens/min, rows, UTC, or empty'),
  query: z.string(),
  row: z.int().min(0),
  column: z.string(),
})
export type Figure = z.infer<typeof Figure>

const Level = z.enum(['low', 'medium', 'high'])

/** Something that could be done about what the report found, with the figure that speaks for it. */
export const Recommendation = z.object({
  action: z.string().describe('Markdown; figures are cited as [fig:<id>]'),
  impact: Level,
  effort: Level,
  risk: Level,
  figure: z.string().describe('id of the figure behind it'),
})
export type Recommendation = z.infer<typeof Recommendation>

export const Chart = z.object({
  id: z.string(),
  title: z.string(),
  query: z.string(),
  spec: z
    .record(z.string(), z.unknown())
    .describe('Vega-Lite, without data; the rows of `query` are its data'),
  artifactId: ArtifactId.optional().describe('the chart as SVG'),
})
export type Chart = z.infer<typeof Chart>

/** A file of the thread, and whether the answer is made of it. */
export const Coverage = z.object({
  file: z.string(),
  rows: z.int().min(0),
  from: z.string().optional().describe('the first time in it, RFC 3339'),
  to: z.string().optional(),
  used: z.boolean(),
})
export type Coverage = z.infer<typeof Coverage>

/** An answer that can be checked: every figure refers to a cell of one of its queries. */
export const Report = z.object({
  title: z.string(),
  playbook: z.string(),
  outcome: z.enum(['answered', 'partial']),
  text: z.string().describe('Markdown; figures are cited as [fig:<id>]'),
  figures: z.array(Figure),
  queries: z.array(QueryResult),
  charts: z.array(Chart),
  caveats: z.array(z.string()),
  recommendations: z
    .array(Recommendation)
    .optional()
    .describe('largest impact first; the text has them too. Absent in reports made before there were any'),
  question: z.string().optional().describe('what was asked'),
  coverage: z.array(Coverage).optional().describe('the files of the thread'),
  notLookedAt: z
    .array(z.string())
    .optional()
    .describe('what there is and the answer is not made of: files, columns, parts of the question'),
})
export type Report = z.infer<typeof Report>
