import type { NewEvent, RunOrder, StoredEvent, UserId } from '@holdfast/protocol'
import { advanceRun, newRun, position, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createModelManager } from '../models/model-manager.ts'
import type { OfflineRules } from '../models/offline-model.ts'
import type { ToolContext, ToolDefinition } from '../tools/define-tool.ts'
import { defineTool } from '../tools/define-tool.ts'
import type { ThreadWorkspace } from '../workspace/workspace.ts'
import type { RunContext } from './run-agent.ts'
import { runAgent } from './run-agent.ts'

const makeId = systemIdMaker()
const ids = { threadId: makeId('thread'), runId: makeId('run'), userId: makeId('user') as UserId }
const message = { id: makeId('message'), text: 'What does it cost?', files: [] }

/** Calls each tool once, in order, then says the last output. */
const inOrder =
  (...tools: readonly string[]): OfflineRules =>
  (results) => {
    const tool = tools[results.length]
    if (tool !== undefined)
      return { kind: 'call', tool, input: { n: results.length }, thinking: `Step ${tool}.` }
    return { kind: 'say', text: `last: ${JSON.stringify(results.at(-1)?.output)}` }
  }

interface Trial {
  readonly tools: readonly ToolDefinition[]
  readonly rules: OfflineRules
  readonly signal?: AbortSignal
}

function countingTool(
  name: string,
  effect: 'pure' | 'idempotent' | 'effect',
  executed: ToolContext[],
): ToolDefinition {
  return defineTool({
    name,
    description: name,
    effect,
    input: z.object({ n: z.int() }),
    execute: async ({ n }, context) => {
      executed.push(context)
      return { output: { n } }
    },
  }) as ToolDefinition
}

function contextOf(trial: Trial, events: readonly StoredEvent[]): RunContext {
  const agent = {
    name: 'helper',
    description: '',
    instructions: 'Help.',
    tools: trial.tools.map(({ name }) => name),
    offlineRules: trial.rules,
  }
  return {
    principal: { kind: 'local', userId: ids.userId },
    threadId: ids.threadId,
    runId: ids.runId,
    agent,
    tools: new Map(trial.tools.map((tool) => [tool.name, tool])),
    model: createModelManager().resolve(null, agent.offlineRules),
    message,
    earlier: [],
    events,
    // No tool of these tests touches it.
    workspace: {} as ThreadWorkspace,
    signal: trial.signal ?? new AbortController().signal,
    makeId,
    nowMs: () => 0,
  }
}

const stored = (event: NewEvent, index: number): StoredEvent =>
  ({
    ...event,
    id: makeId('event'),
    seq: position(index + 1),
    threadId: ids.threadId,
    runId: ids.runId,
    agent: 'helper',
    at: '2026-01-01T00:00:00.000Z',
  }) as StoredEvent

const queued: NewEvent = { type: 'run_queued', data: { message, policy: 'queue' } }
const started = (attempt: number): NewEvent => ({
  type: 'agent_started',
  data: { attempt, model: 'offline', offline: true },
})

/** The events of a run, and what happens when its server dies after `cut` of them and another attempt goes on. */
async function attempt(trial: Trial, before: readonly NewEvent[]): Promise<NewEvent[]> {
  const groups = await Array.fromAsync(runAgent(contextOf(trial, before.map(stored))))
  return groups.flat()
}

function orderOf(events: readonly NewEvent[]): RunOrder {
  return events.reduce<RunOrder>((order, event) => {
    const check = advanceRun(order, event)
    if (!check.ok) throw new Error(check.violation)
    return check.next
  }, newRun)
}

describe('a run tells its story in order', () => {
  test('thinking, executing, completed, text, and one terminal event last (R4)', async () => {
    const executed: ToolContext[] = []
    const trial = { tools: [countingTool('look', 'pure', executed)], rules: inOrder('look') }
    const events = await attempt(trial, [queued, started(1)])
    expect(events.map(({ type }) => type)).toEqual([
      'agent_thinking',
      'tool_executing',
      'tool_completed',
      'message_delta',
      'agent_completed',
    ])
    expect(orderOf([queued, started(1), ...events])).toMatchObject({ kind: 'ended', by: 'agent_completed' })
  })

  test('a tool runs only after its tool_executing was taken away to be committed', async () => {
    const executed: ToolContext[] = []
    const trial = { tools: [countingTool('look', 'pure', executed)], rules: inOrder('look') }
    const groups = runAgent(contextOf(trial, [queued, started(1)].map(stored)))
    const seen: string[] = []
    for await (const group of groups) {
      for (const { type } of group) seen.push(type)
      if (seen.at(-1) === 'tool_executing') expect(executed).toHaveLength(0)
    }
    expect(executed).toHaveLength(1)
  })

  test('a tool that fails is an answer to the model, not the end of the run', async () => {
    const broken = defineTool({
      name: 'look',
      description: '',
      effect: 'pure',
      input: z.object({ n: z.int().min(5) }),
      execute: async () => ({ output: 1 }),
    }) as ToolDefinition
    const events = await attempt({ tools: [broken], rules: inOrder('look') }, [queued, started(1)])
    expect(events.find(({ type }) => type === 'tool_completed')?.data).toMatchObject({
      ok: false,
      error: { code: 'bad_request' },
    })
    expect(events.at(-1)?.type).toBe('agent_completed')
  })

  test('an unknown tool is refused by name and does nothing', async () => {
    const events = await attempt({ tools: [], rules: inOrder('leap') }, [queued, started(1)])
    expect(events.find(({ type }) => type === 'tool_completed')?.data).toMatchObject({
      ok: false,
      tool: 'leap',
    })
  })

  test('[R3] a refused call is closed in the commit that opens it: no attempt finds it open', async () => {
    const groups = await Array.fromAsync(
      runAgent(contextOf({ tools: [], rules: inOrder('leap') }, [queued, started(1)].map(stored))),
    )
    for (const group of groups)
      expect(group.filter(({ type }) => type === 'tool_executing')).toHaveLength(
        group.filter(({ type }) => type === 'tool_completed').length,
      )
    expect(groups.flat().some(({ type }) => type === 'tool_executing')).toBe(true)
  })

  test('[R3] a question before a call ends its run in the commit that asks it', async () => {
    const executed: ToolContext[] = []
    const asking: ToolDefinition = { ...countingTool('send', 'effect', executed), asksFirst: true }
    const groups = runAgent(
      contextOf({ tools: [asking], rules: inOrder('send') }, [queued, started(1)].map(stored)),
    )
    const story: NewEvent[] = [queued, started(1)]
    for await (const group of groups) {
      story.push(...group)
      if (group.some(({ type }) => type === 'data_requested')) break
    }
    expect(orderOf(story)).toMatchObject({ kind: 'ended', by: 'agent_completed' })
    expect(story.at(-1)?.data).toMatchObject({ outcome: 'needs_data' })
    expect(executed).toEqual([])
  })

  test('too many steps fail the run with step_limit', async () => {
    const executed: ToolContext[] = []
    const forever: OfflineRules = (results) => ({
      kind: 'call',
      tool: 'look',
      input: { n: results.length },
      thinking: '',
    })
    await expect(
      attempt({ tools: [countingTool('look', 'pure', executed)], rules: forever }, [queued, started(1)]),
    ).rejects.toMatchObject({ code: 'step_limit' })
  })

  test('a tool that ignores the abort does not hold the run', async () => {
    const controller = new AbortController()
    const deaf = defineTool({
      name: 'look',
      description: '',
      effect: 'pure',
      input: z.object({ n: z.int() }),
      execute: () => {
        controller.abort(new Error('cancelled by the user'))
        return new Promise(() => {})
      },
    }) as ToolDefinition
    const trial = { tools: [deaf], rules: inOrder('look'), signal: controller.signal }
    await expect(attempt(trial, [queued, started(1)])).rejects.toThrow('cancelled by the user')
  })
})

describe('[R3] a later attempt goes on from the log', () => {
  test('cut after any event, no completed call runs again and the whole story stays in order', async () => {
    const whole = await attempt(
      {
        tools: [countingTool('look', 'pure', []), countingTool('count', 'idempotent', [])],
        rules: inOrder('look', 'count', 'look'),
      },
      [queued, started(1)],
    )
    for (let cut = 0; cut < whole.length; cut += 1) {
      const kept = whole.slice(0, cut)
      const executed: ToolContext[] = []
      const trial = {
        tools: [countingTool('look', 'pure', executed), countingTool('count', 'idempotent', executed)],
        rules: inOrder('look', 'count', 'look'),
      }
      const before = [queued, started(1), ...kept, started(2)]
      const after = await attempt(trial, before)
      expect(orderOf([...before, ...after])).toMatchObject({ kind: 'ended', by: 'agent_completed' })
      const completedBefore = kept.filter(({ type }) => type === 'tool_completed').length
      expect(executed).toHaveLength(3 - completedBefore)
    }
  })

  test('an open call is repeated under the key of the first', async () => {
    const first: ToolContext[] = []
    const rules = inOrder('count')
    const whole = await attempt({ tools: [countingTool('count', 'idempotent', first)], rules }, [
      queued,
      started(1),
    ])
    const open = whole.slice(0, whole.findIndex(({ type }) => type === 'tool_executing') + 1)
    const again: ToolContext[] = []
    await attempt({ tools: [countingTool('count', 'idempotent', again)], rules }, [
      queued,
      started(1),
      ...open,
      started(2),
    ])
    expect(again.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
      first.map(({ idempotencyKey }) => idempotencyKey),
    )
  })

  test('an open effect is closed as outcome unknown, never repeated, and the user is asked', async () => {
    const executed: ToolContext[] = []
    const rules = inOrder('send')
    const whole = await attempt({ tools: [countingTool('send', 'effect', [])], rules }, [queued, started(1)])
    const open = whole.slice(0, whole.findIndex(({ type }) => type === 'tool_executing') + 1)
    const before = [queued, started(1), ...open, started(2)]
    const after = await attempt({ tools: [countingTool('send', 'effect', executed)], rules }, before)
    expect(executed).toHaveLength(0)
    expect(after.map(({ type }) => type)).toEqual([
      'tool_completed',
      'data_requested',
      'message_delta',
      'agent_completed',
    ])
    expect(after[0]?.data).toMatchObject({ ok: false, error: { code: 'outcome_unknown' } })
    expect(after.at(-1)?.data).toMatchObject({ outcome: 'needs_data' })
    expect(orderOf([...before, ...after]).kind).toBe('ended')
  })

  test('what is not known is told and asked in one commit: an attempt that dies there leaves nothing to do', async () => {
    const executed: ToolContext[] = []
    // A model that wants the call again as long as it has not succeeded.
    const rules: OfflineRules = (results) =>
      results.some(({ ok }) => ok)
        ? { kind: 'say', text: 'sent' }
        : { kind: 'call', tool: 'send', input: { n: 1 }, thinking: '' }
    const trial = { tools: [countingTool('send', 'effect', executed)], rules }
    const call = { callId: makeId('call'), tool: 'send', effect: 'effect', input: { n: 1 } } as const
    const story: NewEvent[] = [queued, started(1), { type: 'tool_executing', data: call }, started(2)]
    const dying = runAgent(contextOf(trial, story.map(stored)))
    const first = await dying.next()
    story.push(...(first.value ?? []))
    await dying.return()
    if (orderOf(story).kind !== 'ended') {
      story.push(started(3))
      story.push(...(await attempt(trial, story)))
    }
    expect(executed).toEqual([])
    expect(story.at(-1)?.data).toMatchObject({ outcome: 'needs_data' })
  })

  test.each([
    ['was, and is none now', 'effect', 'pure'],
    ['is, and was none then', 'pure', 'effect'],
  ] as const)('an open call of a tool that %s is not repeated', async (_, then, now) => {
    const executed: ToolContext[] = []
    const call = { callId: makeId('call'), tool: 'send', effect: then, input: { n: 1 } }
    const before: NewEvent[] = [queued, started(1), { type: 'tool_executing', data: call }, started(2)]
    const trial = { tools: [countingTool('send', now, executed)], rules: inOrder('send') }
    expect((await attempt(trial, before))[0]?.data).toMatchObject({ error: { code: 'outcome_unknown' } })
    expect(executed).toEqual([])
  })

  test('a run of few steps with many calls each has the rest of its steps', async () => {
    const calls = Array.from({ length: 30 }, (_, n): NewEvent[] => {
      const call = { callId: makeId('call'), tool: 'look', effect: 'pure', input: { n } } as const
      const thinking: NewEvent = { type: 'agent_thinking', data: { step: n < 15 ? 1 : 2, text: 'Look.' } }
      return [
        ...(n % 15 === 0 ? [thinking] : []),
        { type: 'tool_executing', data: call },
        {
          type: 'tool_completed',
          data: { callId: call.callId, tool: 'look', ok: true, output: { n }, durationMs: 1, artifacts: [] },
        },
      ]
    }).flat()
    const executed: ToolContext[] = []
    const rules: OfflineRules = (results) =>
      results.length < 33
        ? { kind: 'call', tool: 'look', input: { n: results.length }, thinking: 'On.' }
        : { kind: 'say', text: 'done' }
    const after = await attempt({ tools: [countingTool('look', 'pure', executed)], rules }, [
      queued,
      started(1),
      ...calls,
      started(2),
    ])
    expect(executed).toHaveLength(3)
    expect(after.at(-1)?.type).toBe('agent_completed')
    expect(after.flatMap((event) => (event.type === 'agent_thinking' ? event.data.step : []))).toEqual([
      3, 4, 5,
    ])
  })

  test('a run that was handed over does not get its steps anew', async () => {
    const executed: ToolContext[] = []
    const trial = {
      tools: [countingTool('look', 'pure', executed)],
      rules: ((results) => ({
        kind: 'call',
        tool: 'look',
        input: { n: results.length },
        thinking: 'On.',
      })) as OfflineRules,
    }
    const groups = runAgent(contextOf(trial, [queued, started(1)].map(stored)))
    const story: NewEvent[] = [queued, started(1)]
    for await (const group of groups) {
      story.push(...group)
      if (executed.length === 20) break
    }
    await expect(attempt(trial, [...story, started(2)])).rejects.toMatchObject({ code: 'step_limit' })
    expect(executed).toHaveLength(24)
  })
})
