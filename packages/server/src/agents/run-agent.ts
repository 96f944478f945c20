import type {
  CallId,
  EventData,
  MakeId,
  NewEvent,
  RunId,
  StoredEvent,
  ThreadId,
  UserMessage,
} from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { ResolvedModel } from '../models/model-manager.ts'
import type { Principal } from '../principal.ts'
import type { Conclusion, EarlierRun, ToolContext, ToolDefinition } from '../tools/define-tool.ts'
import { closeUnrun, recoverOpenCall, runTool } from '../tools/run-tool.ts'
import type { ThreadWorkspace } from '../workspace/workspace.ts'
import { type ApprovedCall, approvedCall, askForApproval } from './approval.ts'
import { askModels } from './ask-models.ts'
import { conversation } from './conversation.ts'
import type { AgentDefinition } from './define-agent.ts'
import { agentLimits } from './define-agent.ts'
import type { FinishedCall } from './run-calls.ts'
import { callsOf, stepsTaken, toolResultOf } from './run-calls.ts'
import { createRunUsage } from './run-usage.ts'

/** All that one attempt of a run works with: made for it, shared with nothing (A2). */
export interface RunContext {
  readonly principal: Principal
  readonly threadId: ThreadId
  readonly runId: RunId
  readonly agent: AgentDefinition
  readonly tools: ReadonlyMap<string, ToolDefinition>
  readonly model: ResolvedModel
  readonly message: UserMessage
  readonly earlier: readonly EarlierRun[]
  /** The run's own events so far: a later attempt goes on from them (R3). */
  readonly events: readonly StoredEvent[]
  readonly workspace: ThreadWorkspace
  readonly signal: AbortSignal
  readonly makeId: MakeId
  readonly nowMs: () => number
  /** What the user may use up of language models. Absent: as much as there is. */
  readonly budget?: TokenBudget
}

export interface TokenBudget {
  /** Before each step of a language model. @throws {HoldfastError} quota_reached */
  ask(): Promise<void>
  /** After each step, also where the run does not come to its end. */
  spend(tokens: number): Promise<void>
}

/**
 * One attempt of a run, as the events it wants written. Whoever iterates commits each group before asking for the
 * next: a tool runs only after its tool_executing is in the log, and the next step only after its tool_completed.
 *
 * The last group holds agent_completed, unless the attempt throws: the run then fails with the error's code.
 */
export async function* runAgent(context: RunContext): AsyncGenerator<readonly NewEvent[], void, undefined> {
  const beganMs = context.nowMs()
  const { finished, open } = callsOf(context.events)
  const calls: FinishedCall[] = [...finished]
  const usage = createRunUsage()
  let model = context.model

  for (const call of open) {
    const tool = toolOf(context, call.tool)
    // By what the tool was when the call was made and by what it is now: a new version may have changed its mind.
    const effects = [call.effect, tool.effect]
    if (effects.some((effect) => recoverOpenCall(effect) === 'outcome_unknown')) {
      yield askAboutUnknownOutcome(context, call, beganMs)
      return
    }
    calls.push({ call, completed: yield* finishCall(context, tool, call, calls) })
  }

  // Only at the very beginning: a later attempt finds it among its calls.
  const approved = calls.length === 0 ? approvedCall(context.earlier, context.message.text) : null
  if (approved !== null) calls.push(yield* runApproved(context, approved))

  const maxSteps = context.agent.maxSteps ?? agentLimits.steps
  for (let step = stepsTaken(context.events) + 1; step <= maxSteps; step += 1) {
    if (!model.offline) await context.budget?.ask()
    const results = calls.map(toolResultOf)
    const asked = yield* askModels({
      model,
      makeId: context.makeId,
      instructions: context.agent.instructions,
      messages: conversation(context.earlier, context.message, calls),
      tools: context.tools,
      step,
      signal: context.signal,
      prose: ({ offline }) => (offline ? undefined : context.agent.prose?.(context.message, results)),
    })
    const { end, messageId } = asked
    // Who took over stays: the next step would only wait for the same failure.
    model = asked.model
    usage.add(model, end.usage, context.nowMs())
    const tokens = end.usage.inputTokens + end.usage.outputTokens
    if (tokens > 0) await context.budget?.spend(tokens)
    if (end.calls.length === 0) {
      const { outcome, summary } = conclusionOf(context, calls) ?? {
        outcome: 'answered',
        summary: firstLine(end.text),
      }
      const durationMs = context.nowMs() - beganMs
      const completed = { outcome, messageId, summary, durationMs, usage: usage.total() }
      yield [...end.last, { type: 'agent_completed', data: completed }]
      return
    }
    let said = end.last
    for (const wanted of end.calls) {
      const tool = context.tools.get(wanted.tool)
      if (tool?.asksFirst === true && wanted.refusal === null) {
        const asked = askForApproval(tool, wanted.input, context.makeId)
        const delta: NewEvent = { type: 'message_delta', data: { messageId, text: asked.text } }
        const durationMs = context.nowMs() - beganMs
        const data = { outcome: 'needs_data', messageId, summary: asked.summary, durationMs } as const
        // One commit: a question without the end of its run would be answered by the run's next attempt.
        yield [
          ...said,
          asked.request,
          delta,
          { type: 'agent_completed', data: { ...data, usage: usage.total() } },
        ]
        return
      }
      const call: EventData<'tool_executing'> = {
        callId: context.makeId('call'),
        tool: wanted.tool,
        // A tool nobody knows does nothing, so repeating the refusal does nothing either.
        effect: tool?.effect ?? 'pure',
        input: wanted.input,
      }
      const executing: NewEvent = { type: 'tool_executing', data: call }
      if (tool === undefined || wanted.refusal !== null) {
        const completed = closeUnrun(call, 'bad_request', wanted.refusal ?? `There is no tool ${wanted.tool}`)
        // Nothing runs between the two: no attempt shall find the call open and make it.
        yield [...said, executing, { type: 'tool_completed', data: completed }]
        calls.push({ call, completed })
      } else {
        yield [...said, executing]
        calls.push({ call, completed: yield* finishCall(context, tool, call, calls) })
      }
      said = []
    }
  }
  throw new HoldfastError(
    'step_limit',
    `The run took ${maxSteps} steps without reaching an answer; ask a narrower question`,
  )
}

/** The user has seen this call and said yes to it. */
async function* runApproved(
  context: RunContext,
  { tool: name, input }: ApprovedCall,
): AsyncGenerator<readonly NewEvent[], FinishedCall, undefined> {
  const tool = toolOf(context, name)
  const callId = context.makeId('call')
  const call: EventData<'tool_executing'> = { callId, tool: name, effect: tool.effect, input }
  yield [{ type: 'tool_executing', data: call }]
  return { call, completed: yield* finishCall(context, tool, call, []) }
}

async function* finishCall(
  context: RunContext,
  tool: ToolDefinition,
  call: EventData<'tool_executing'>,
  calls: readonly FinishedCall[],
): AsyncGenerator<readonly NewEvent[], EventData<'tool_completed'>, undefined> {
  const end = await runTool(tool, call.input, toolContext(context, call.callId, calls))
  yield [...end.events, { type: 'tool_completed', data: end.completed }]
  return end.completed
}

function toolContext(context: RunContext, callId: CallId, calls: readonly FinishedCall[]): ToolContext {
  const { principal, threadId, runId, signal, workspace, message, earlier } = context
  return {
    principal,
    threadId,
    runId,
    callId,
    idempotencyKey: `${runId}/${callId}`,
    signal,
    workspace,
    message,
    earlier,
    results: calls.map(toolResultOf),
  }
}

/**
 * R3: nobody can know whether the effect took place, so nobody repeats it: the user decides. All of it in one commit:
 * after a part of it another attempt would find the call closed, and go on as if nobody had to be asked.
 */
function askAboutUnknownOutcome(
  context: RunContext,
  call: EventData<'tool_executing'>,
  beganMs: number,
): readonly NewEvent[] {
  const messageId = context.makeId('message')
  const text = `The server was interrupted while ${call.tool} was running. Whether it took effect is not known, so it was not repeated. Check, then say whether to run it again.`
  return [
    {
      type: 'tool_completed',
      data: closeUnrun(
        call,
        'outcome_unknown',
        `${call.tool} was interrupted; whether it took effect is not known`,
      ),
    },
    {
      type: 'data_requested',
      data: {
        requestId: context.makeId('request'),
        playbook: '',
        sufficiency: 'ambiguous',
        items: [],
        question: {
          id: `outcome:${call.callId}`,
          text,
          choices: [
            { value: 'run_again', label: 'It did not take effect: run it again' },
            { value: 'leave', label: 'It did, or I do not want it: leave it' },
          ],
        },
      },
    },
    { type: 'message_delta', data: { messageId, text } },
    {
      type: 'agent_completed',
      data: {
        outcome: 'needs_data',
        messageId,
        summary: `Whether ${call.tool} took effect is not known`,
        durationMs: context.nowMs() - beganMs,
        usage: { inputTokens: 0, outputTokens: 0, steps: 0 },
      },
    },
  ]
}

function toolOf(context: RunContext, name: string): ToolDefinition {
  const tool = context.tools.get(name)
  if (tool === undefined)
    throw new HoldfastError(
      'tool_failed',
      `The run used the tool ${name}, which this server no longer has; ask again`,
    )
  return tool
}

function conclusionOf(context: RunContext, calls: readonly FinishedCall[]): Conclusion | null {
  for (const { completed } of calls.toReversed()) {
    const conclude = context.tools.get(completed.tool)?.conclude
    if (completed.ok && conclude !== undefined) return conclude(completed.output ?? null)
  }
  return null
}

const firstLine = (text: string): string => text.trimStart().split('\n', 1)[0]?.slice(0, 200) ?? ''
