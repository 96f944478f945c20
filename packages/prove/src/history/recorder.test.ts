import { expect, test } from 'vitest'
import { packHistory, unpackHistory } from './history-file.ts'
import { createRecorder, HistoryFullError } from './recorder.ts'

const frame = (bytes: number) => ({ k: 'in', conn: 1, text: 'x'.repeat(bytes) }) as const

test('a history that is full takes facts and what cleaning up asks, and nothing else', () => {
  const recorder = createRecorder({ totalBytes: 10_000 })
  recorder.add(frame(9_000))
  expect(recorder.isFull).toBe(false)
  expect(() => recorder.add(frame(9_000))).toThrow(HistoryFullError)
  expect(recorder.isFull).toBe(true)
  // Full is full: a shorter line does not slip in behind.
  expect(() => recorder.add(frame(1))).toThrow(HistoryFullError)
  recorder.fact('skipped', { step: 'everything else', why: 'the history is full' })
  recorder.step = 'residue'
  recorder.add(frame(9_000))
  expect(recorder.lines.map(({ k }) => k)).toEqual(['in', 'fact', 'in'])
  expect(recorder.lines.at(-1)).toMatchObject({ text: 'x'.repeat(1_000) })
  expect(unpackHistory(packHistory(recorder.lines))).toEqual(recorder.lines)
})

test('lines are counted as they are written: what JSON escapes is six times as long', () => {
  const recorder = createRecorder({ totalBytes: 10_000 })
  expect(() => recorder.add({ k: 'in', conn: 1, text: '\u0000'.repeat(2_000) })).toThrow(HistoryFullError)
})

test('a secret is in no line, whatever kind of line it is', () => {
  const recorder = createRecorder()
  recorder.secret('token1', 'a-token-of-somebody')
  recorder.add({ k: 'in', conn: 1, text: 'see a-token-of-somebody' })
  recorder.fact('trouble', { step: 'x', what: 'a-token-of-somebody' })
  expect(JSON.stringify(recorder.lines)).not.toContain('a-token-of-somebody')
  expect(JSON.stringify(recorder.lines)).toContain('[secret:token1]')
})
