import type { Chart, DataRequestItem, Figure, QueryResult, Report, RunId, ThreadId } from '@holdfast/protocol'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Story } from './story.ts'

export type AskOutcome = 'answered' | 'partial' | 'needs_data' | 'failed'

/** The last line of `holdfast ask --json`. */
export interface AskResult {
  readonly type: 'result'
  readonly outcome: AskOutcome
  readonly threadId: ThreadId | null
  readonly runId: RunId | null
  readonly playbook: string | null
  readonly answer: {
    /** Markdown; a figure is followed by its citation: `**585 requests/min** [fig:peak]`. */
    readonly text: string
    readonly figures: readonly Figure[]
    readonly queries: readonly Pick<QueryResult, 'id' | 'sql' | 'verified' | 'columns' | 'rows'>[]
    readonly charts: readonly Chart[]
    /** What a reader of the figures should know: estimates, files left out, how times were read. */
    readonly caveats: readonly string[]
  } | null
  readonly request: {
    readonly sufficiency: string
    readonly items: readonly DataRequestItem[]
    readonly question: {
      readonly text: string
      readonly choices: readonly { readonly value: string; readonly label: string }[]
    } | null
    /** The head and one row of a CSV that would do; null where none would. */
    readonly template: readonly string[] | null
    /** The call that the question is about; null where it is about something else. */
    readonly approval: { readonly tool: string; readonly input: unknown } | null
  } | null
  /** Only where the outcome is `failed`. */
  readonly error?: { readonly code: string; readonly message: string }
}

export interface Run {
  readonly threadId: ThreadId
  readonly runId: RunId
}

function answerOf(story: Story, report: Report | null): AskResult['answer'] {
  if (report !== null)
    return {
      text: report.text,
      figures: report.figures,
      queries: report.queries.map(({ id, sql, verified, columns, rows }) => ({
        id,
        sql,
        verified,
        columns,
        rows,
      })),
      charts: report.charts,
      caveats: report.caveats,
    }
  return story.text === '' ? null : { text: story.text, figures: [], queries: [], charts: [], caveats: [] }
}

function requestOf(story: Story): AskResult['request'] {
  if (story.request === null) return null
  const { sufficiency, items, question, template, approval = null } = story.request
  const asked = question === undefined ? null : { text: question.text, choices: question.choices }
  const lines =
    template === undefined
      ? null
      : [template.map(({ name }) => name).join(','), template.map(({ sample }) => sample).join(',')]
  return { sufficiency, items, question: asked, template: lines, approval }
}

/** The result of a run that was followed to its end. */
export function buildResult(run: Run, story: Story, report: Report | null): AskResult {
  const { end } = story
  const playbook = report?.playbook ?? story.request?.playbook ?? null
  if (end?.kind === 'completed') {
    // A request for data is explained by its items; what was streamed beside it is no answer.
    const answer = end.outcome === 'needs_data' ? null : answerOf(story, report)
    return { type: 'result', outcome: end.outcome, ...run, playbook, answer, request: requestOf(story) }
  }
  const error = errorOf(end)
  return {
    type: 'result',
    outcome: 'failed',
    ...run,
    playbook,
    answer: null,
    request: requestOf(story),
    error,
  }
}

function errorOf(end: Exclude<Story['end'], { kind: 'completed' }>): NonNullable<AskResult['error']> {
  switch (end?.kind) {
    case 'failed':
      return { code: end.code, message: end.message }
    case 'cancelled':
      return { code: 'cancelled', message: `The run was cancelled (${end.by})` }
    case undefined:
      return { code: 'internal', message: 'The events ended before the run did' }
  }
}

/** The result where no run came about: the server refused a file or the question. */
export function refusedResult(
  error: { readonly code: string; readonly message: string },
  threadId: ThreadId | null,
): AskResult {
  return {
    type: 'result',
    outcome: 'failed',
    threadId,
    runId: null,
    playbook: null,
    answer: null,
    request: null,
    error,
  }
}

export function exitCodeOf(outcome: AskOutcome): ExitCode {
  switch (outcome) {
    case 'answered':
      return exitCodes.answered
    case 'partial':
      return exitCodes.partial
    case 'needs_data':
      return exitCodes.needsData
    case 'failed':
      return exitCodes.failed
  }
}
