import { describe, expect, test } from 'vitest'
import type { OfflineRules } from './offline-model.ts'
import { createOfflineModel } from './offline-model.ts'

const rules: OfflineRules = (results) => {
  const last = results.at(-1)
  if (last === undefined)
    return { kind: 'call', tool: 'look', input: { at: 'data' }, thinking: 'Looking first.' }
  if (!last.ok) return { kind: 'fail', error: new Error(String(last.output)) }
  return { kind: 'say', text: `Seen ${JSON.stringify(last.output)}` }
}

const question = { role: 'user' as const, content: [{ type: 'text' as const, text: 'What?' }] }
const result = (
  output: { type: 'json'; value: { rows: number } } | { type: 'error-text'; value: string },
) => ({
  role: 'tool' as const,
  content: [{ type: 'tool-result' as const, toolCallId: 'c1', toolName: 'look', output }],
})

async function partsOf(prompt: Parameters<ReturnType<typeof createOfflineModel>['doStream']>[0]['prompt']) {
  const { stream } = await createOfflineModel(rules).doStream({ prompt })
  return Array.fromAsync(stream)
}

describe('[A4] the offline model is a LanguageModelV4', () => {
  test('it thinks, calls a tool and says that it stopped for it', async () => {
    const parts = await partsOf([question])
    expect(parts.map(({ type }) => type)).toEqual([
      'stream-start',
      'reasoning-start',
      'reasoning-delta',
      'reasoning-end',
      'tool-call',
      'finish',
    ])
    expect(parts[4]).toMatchObject({ toolName: 'look', input: '{"at":"data"}' })
    expect(parts[5]).toMatchObject({ finishReason: { unified: 'tool-calls' } })
  })

  test('it reads the results of the run under way', async () => {
    const parts = await partsOf([question, result({ type: 'json', value: { rows: 3 } })])
    expect(parts.find(({ type }) => type === 'text-delta')).toMatchObject({ delta: 'Seen {"rows":3}' })
  })

  test('results before the last message belong to an earlier run', async () => {
    const parts = await partsOf([question, result({ type: 'json', value: { rows: 3 } }), question])
    expect(parts.some(({ type }) => type === 'tool-call')).toBe(true)
  })

  test('giving up is an error of the stream', async () => {
    const parts = await partsOf([question, result({ type: 'error-text', value: 'unreadable' })])
    expect(parts.at(-1)).toMatchObject({ type: 'error', error: new Error('unreadable') })
  })

  test('an aborted signal stops it', async () => {
    const model = createOfflineModel(rules)
    await expect(
      model.doStream({ prompt: [question], abortSignal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop')
  })

  test('doGenerate gives the same step at once', async () => {
    const { content } = await createOfflineModel(rules).doGenerate({ prompt: [question] })
    expect(content).toMatchObject([{ type: 'tool-call', toolName: 'look' }])
  })
})
