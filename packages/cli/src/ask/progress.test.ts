import type { NewEvent } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import {
  cancelled,
  completed,
  created,
  delta,
  failed,
  queued,
  requested,
  started,
  stored,
} from './events.test-support.ts'
import { progressOf, sendingOf } from './progress.ts'

const thinking: NewEvent = {
  type: 'agent_thinking',
  data: { step: 1, text: 'Looking\u001b[2J at\nthe file' },
}

test.each<[string, NewEvent, string]>([
  ['queued', queued, 'doing: waiting for a worker'],
  ['started', started(), 'line: started (offline, offline rules, no language model)'],
  ['taken over', started(2), 'line: taken over, attempt 2 (offline, offline rules, no language model)'],
  ['thinking', thinking, 'line: Looking�[2J at the file'],
  ['words', delta('x'), 'nothing'],
  ['an artifact', created('chart', 'Cost'), 'line: chart: Cost'],
  ['a request', requested, 'line: data is missing'],
  ['completed', completed('answered'), 'line: completed in 1.2 s'],
  ['failed', failed, 'line: failed: The tool profile failed'],
  ['cancelled', cancelled, 'line: cancelled by user'],
])('%s', (_name, event, expected) => {
  const said = stored([event]).map(progressOf)
  expect(said.map((one) => (one.kind === 'nothing' ? one.kind : `${one.kind}: ${one.text}`))).toEqual([
    expected,
  ])
})

test.each([
  [0, 300, 'sending x.csv, 0 %'],
  [299, 300, 'sending x.csv, 99 %'],
  [0, 0, 'sending x.csv, 100 %'],
])('%i of %i bytes', (sentBytes, totalBytes, expected) => {
  expect(sendingOf('x.csv', sentBytes, totalBytes)).toBe(expected)
})
