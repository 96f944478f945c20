import type { Playbook, View } from '../../playbook.ts'
import { has } from '../sql-parts.ts'
import { latencyFindings } from './latency-findings.ts'
import {
  latencyBy,
  latencyByHour,
  latencyDistribution,
  latencyOverall,
  quantileMinimums,
  slowWindows,
  speedByModel,
  tailByModel,
  tailLength,
} from './latency-sql.ts'

/** A tail of fewer rows than p95 asks for has no shares worth naming. */
const tailed = (view: View) => view.rows >= quantileMinimums.p95
/** Hours need times that are finer than an hour, or at least as fine. */
const hourly = (view: View) => view.fields.has('time') && view.timeStep !== 'day'

export const latencyTail: Playbook = {
  id: 'latency_tail',
  title: 'Latency and its tail',
  asks: [
    'Why is it slow, what is our p95?',
    'What is our p99 latency?',
    'How long do requests take?',
    'Which model takes longest, and when?',
    'When were we slow?',
    'What causes the long tail of response times?',
    'How long until the first token?',
  ],
  required: [
    {
      anyOf: ['latency_ms'],
      why: 'How long each request took is what is measured; sums and averages of many requests cannot give percentiles',
      unlocks: 'p50, p95 and p99, slow windows and what the tail is made of',
    },
    {
      anyOf: ['time'],
      why: 'The time of each request tells when it was slow',
      unlocks: 'slow hours and windows',
    },
  ],
  optional: [
    {
      anyOf: ['model'],
      why: 'Which model answered',
      unlocks: 'quantiles by model, slow windows of one model',
    },
    { anyOf: ['ttft_ms'], why: 'When the first token came', unlocks: 'waiting against generation' },
    { anyOf: ['output_tokens'], why: 'How long the answer was', unlocks: 'ms per output token' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'quantiles of successful requests only' },
    { anyOf: ['feature'], why: 'What the request was for', unlocks: 'quantiles by feature' },
    { anyOf: ['tenant'], why: 'Who the request was for', unlocks: 'quantiles by tenant' },
    { anyOf: ['provider'], why: 'Who answered', unlocks: 'quantiles by provider' },
  ],
  grains: ['request'],
  timeStep: 'day',
  reductions: [
    {
      id: 'no_time',
      when: (view) => !view.fields.has('time'),
      says: 'Slow hours and windows cannot be found: no column says when a request ran.',
      missing: 'time',
    },
    {
      id: 'p50_only',
      when: (view) => view.rows < quantileMinimums.p95,
      says: `Only the median is given: p95 needs ${quantileMinimums.p95} successful rows and p99 ${quantileMinimums.p99}.`,
      missing: null,
    },
    {
      id: 'no_p99',
      when: (view) => view.rows >= quantileMinimums.p95 && view.rows < quantileMinimums.p99,
      says: `p99 is not given: it needs ${quantileMinimums.p99} successful rows.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'latency_overall', title: 'Latency of successful requests', sql: latencyOverall },
    {
      id: 'latency_distribution',
      title: 'Share of requests that took at most so long',
      sql: latencyDistribution,
      chart: {
        mark: 'line',
        x: { column: 'latency_ms', type: 'quantitative', title: 'latency (ms)', scale: 'log' },
        y: { column: 'percent', type: 'quantitative', title: '% of requests' },
      },
    },
    ...(['model', 'feature', 'tenant', 'provider'] as const).map((field) => ({
      id: `latency_by_${field}`,
      title: `Latency by ${field}`,
      when: has(field),
      sql: () => latencyBy(field),
    })),
    {
      id: 'slow_windows',
      title: 'Hours in which a model was slow against its own usual',
      when: hourly,
      sql: slowWindows,
    },
    {
      id: 'latency_by_hour',
      title: 'Latency by hour of day',
      when: hourly,
      sql: latencyByHour,
      chart: {
        mark: 'line',
        x: { column: 'hour_utc', type: 'quantitative', title: 'hour of day (UTC)' },
        y: { column: 'p50_ms', type: 'quantitative', title: 'median latency (ms)' },
      },
    },
    {
      id: 'tail_by_model',
      title: 'Slowest 5 % by model',
      when: (view) => tailed(view) && view.fields.has('model'),
      sql: tailByModel,
      chart: {
        mark: 'bar',
        x: { column: 'model', type: 'nominal', title: 'model' },
        y: { column: 'share_of_tail_percent', type: 'quantitative', title: '% of the slowest requests' },
      },
    },
    {
      id: 'tail_length',
      title: 'Output length of the slowest 5 %',
      when: (view) => tailed(view) && view.fields.has('output_tokens'),
      sql: tailLength,
    },
    {
      id: 'speed_by_model',
      title: 'First token, generation and pace by model',
      when: (view) => view.fields.has('ttft_ms') || view.fields.has('output_tokens'),
      sql: speedByModel,
    },
  ],
  findings: latencyFindings,
  caveats: ['Quantiles are by nearest rank: each is a latency that occurred.'],
}
