import { systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ThreadWorkspace } from '../workspace/workspace.ts'
import { defineTool, type ToolContext, type ToolDefinition } from './define-tool.ts'
import { runTool } from './run-tool.ts'

const makeId = systemIdMaker()
const contextOf = (): ToolContext => ({
  principal: { kind: 'local', userId: makeId('user') },
  threadId: makeId('thread'),
  runId: makeId('run'),
  callId: makeId('call'),
  idempotencyKey: 'k',
  signal: new AbortController().signal,
  // No tool of these tests touches it.
  workspace: {} as ThreadWorkspace,
  message: { id: makeId('message'), text: '', files: [] },
  earlier: [],
  results: [],
})

test('[L7] input that fits in nothing is refused in few words, and in whole characters', async () => {
  const tool = defineTool({
    name: 'look',
    description: '',
    effect: 'pure',
    // The issues name each key that nobody knows.
    input: z.strictObject({}),
    execute: async () => ({ output: null }),
  }) as ToolDefinition
  for (const shift of ['', 'x']) {
    const input = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`${shift}😀${n}`, n]))
    const { completed } = await runTool(tool, input, contextOf())
    const message = completed.error?.message ?? ''
    expect(message).toContain('Input of look does not fit')
    expect(message.length).toBeLessThan(2_100)
    expect(message.isWellFormed()).toBe(true)
  }
})

test.each([
  ['effect', true],
  ['idempotent', false],
  ['pure', false],
] as const)(
  '[R3] a call that ran out of time, of effect %s: its outcome is in doubt is %s',
  async (effect, inDoubt) => {
    const endless: ToolDefinition = {
      name: 'send',
      description: '',
      effect,
      timeoutMs: 1,
      input: z.unknown(),
      execute: () => new Promise(() => {}),
    }
    const { completed } = await runTool(endless, {}, contextOf())
    expect(completed.error?.code).toBe('tool_timeout')
    expect(completed.error?.message.includes('whether it took effect is not known')).toBe(inDoubt)
  },
)
