import type { NewEvent } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  artifactId,
  asked,
  cancelled,
  completed,
  created,
  delta,
  failed,
  queued,
  report,
  requested,
  runId,
  started,
  stored,
  threadId,
} from './events.test-support.ts'
import { buildResult, exitCodeOf, refusedResult } from './result.ts'
import { tell, untold } from './story.ts'

const run = { threadId, runId }
const story = (...events: readonly NewEvent[]) => stored([queued, started(), ...events]).reduce(tell, untold)

test('answered: the report', () => {
  const result = buildResult(run, story(created('report', 'x'), completed('answered')), report)
  expect(result).toEqual({
    type: 'result',
    outcome: 'answered',
    threadId,
    runId,
    playbook: 'cost_breakdown',
    answer: {
      text: 'In all **24.120929 USD** [fig:total].',
      figures: report.figures,
      queries: [
        {
          id: 'cost_total',
          sql: 'SELECT sum(cost) AS cost\nFROM usage',
          verified: true,
          columns: ['cost'],
          rows: [[24.120929]],
        },
      ],
      charts: report.charts,
      caveats: report.caveats,
    },
    request: null,
  })
})

test('answered without a report: the words that were streamed', () => {
  const result = buildResult(run, story(delta('Hel'), delta('lo'), completed('answered')), null)
  expect(result.answer).toEqual({ text: 'Hello', figures: [], queries: [], charts: [], caveats: [] })
  expect(result.playbook).toBeNull()
})

test('a take-over writes its words anew', () => {
  const result = buildResult(
    run,
    story(delta('Hel'), started(2), delta('Hello'), completed('answered')),
    null,
  )
  expect(result.answer?.text).toBe('Hello')
})

test('needs data: the request and no answer', () => {
  const result = buildResult(run, story(delta('I need more'), requested, completed('needs_data')), null)
  expect(result).toMatchObject({ outcome: 'needs_data', playbook: 'cost_breakdown', answer: null })
  expect(result.request).toMatchObject({ sufficiency: 'insufficient', question: null })
  expect(result.request?.items.map(({ field }) => field)).toEqual(['time'])
})

test('a question: its text and its choices, nothing else', () => {
  const result = buildResult(run, story(asked, completed('needs_data')), null)
  expect(result.request?.question).toEqual({
    text: 'Is duration in milliseconds or in seconds?',
    choices: [
      { value: 'ms', label: 'milliseconds' },
      { value: 's', label: 'seconds' },
    ],
  })
})

test('partial: both the answer and what would unlock the rest', () => {
  const result = buildResult(run, story(requested, completed('partial')), { ...report, outcome: 'partial' })
  expect(result.outcome).toBe('partial')
  expect(result.answer).not.toBeNull()
  expect(result.request).not.toBeNull()
})

describe('failed', () => {
  test.each([
    ['by the agent', [failed], { code: 'tool_failed', message: 'The tool profile failed' }],
    ['by being cancelled', [cancelled], { code: 'cancelled', message: 'The run was cancelled (user)' }],
    ['by never ending', [], { code: 'internal', message: 'The events ended before the run did' }],
  ])('%s', (_name, events, error) => {
    expect(buildResult(run, story(...events), null)).toMatchObject({ outcome: 'failed', answer: null, error })
  })

  test('before there was a run', () => {
    const error = { code: 'unsupported_media_type', message: 'a.bin is not data' }
    expect(refusedResult(error, threadId)).toEqual({
      type: 'result',
      outcome: 'failed',
      threadId,
      runId: null,
      playbook: null,
      answer: null,
      request: null,
      error,
    })
  })
})

test('charts are known by their artifacts', () => {
  expect(story(created('chart', 'Cost by model')).charts).toEqual([{ artifactId, title: 'Cost by model' }])
})

test.each([
  ['answered', 0],
  ['failed', 1],
  ['needs_data', 3],
  ['partial', 4],
] as const)('%s exits with %i', (outcome, code) => {
  expect(exitCodeOf(outcome)).toBe(code)
})
