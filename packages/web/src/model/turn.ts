import type {
  ArtifactId,
  ArtifactKind,
  CallId,
  EventData,
  FileId,
  Json,
  MessageId,
  RequestId,
  RunId,
  StoredEvent,
  Usage,
} from '@holdfast/protocol'

/** One question and what became of it: a run, as a reader sees it. */
export interface Turn {
  readonly runId: RunId
  readonly question: string
  readonly files: readonly FileId[]
  readonly queuedAtMs: number
  readonly phase: 'queued' | 'running' | 'ended'
  readonly startedAtMs: number | null
  readonly model: string | null
  readonly offline: boolean
  readonly steps: readonly Step[]
  /** What the agent says, as far as it has come; of several messages the last, the others are steps. */
  readonly text: string
  readonly messageId: MessageId | null
  readonly request: DataRequest | null
  readonly artifacts: readonly Artifact[]
  readonly end: TurnEnd | null
}

export type DataRequest = EventData<'data_requested'>

export interface ToolStep {
  readonly kind: 'tool'
  readonly callId: CallId
  readonly tool: string
  readonly input: Json
  readonly state: 'running' | 'done' | 'failed'
  readonly output: Json | null
  readonly error: string | null
  readonly startedAtMs: number
  readonly durationMs: number | null
}

export type Step =
  | ToolStep
  | { readonly kind: 'thought'; readonly text: string }
  /** The server that carried the run stopped, and another went on. */
  | { readonly kind: 'takeover'; readonly attempt: number; readonly afterMs: number }
  | { readonly kind: 'received'; readonly satisfied: readonly string[] }

export interface Artifact {
  readonly id: ArtifactId
  readonly kind: ArtifactKind
  readonly title: string
}

export type TurnEnd =
  | {
      readonly kind: 'answered' | 'partial' | 'needs_data'
      readonly summary: string
      readonly durationMs: number
      readonly usage: Usage
    }
  | { readonly kind: 'failed'; readonly message: string; readonly retryable: boolean }
  | { readonly kind: 'cancelled'; readonly by: 'user' | 'superseded' | 'shutdown' }

export type EventOf<Type extends StoredEvent['type']> = Extract<StoredEvent, { type: Type }>

export function turnOf({ runId, at, data }: EventOf<'run_queued'>): Turn {
  return {
    runId,
    question: data.message.text,
    files: data.message.files,
    queuedAtMs: Date.parse(at),
    phase: 'queued',
    startedAtMs: null,
    model: null,
    offline: false,
    steps: [],
    text: '',
    messageId: null,
    request: null,
    artifacts: [],
    end: null,
  }
}

/** The turn after one more event of its run. Types nobody here knows change nothing (the set is open). */
export function advanceTurn(turn: Turn, event: StoredEvent): Turn {
  const atMs = Date.parse(event.at)
  switch (event.type) {
    case 'run_queued':
      return turn
    case 'agent_started':
      return started(turn, event.data, atMs)
    case 'agent_thinking':
      return withStep(turn, { kind: 'thought', text: event.data.text })
    case 'message_delta':
      return said(turn, event.data)
    case 'tool_executing': {
      const { callId, tool, input } = event.data
      const open = { state: 'running', output: null, error: null, durationMs: null } as const
      const step: ToolStep = { kind: 'tool', callId, tool, input, startedAtMs: atMs, ...open }
      // After a take-over the same call may run again (R3): its row is the one it had.
      const known = turn.steps.some((each) => each.kind === 'tool' && each.callId === callId)
      return known ? withTool(turn, callId, () => step) : withStep(turn, step)
    }
    case 'tool_completed': {
      const { callId, ok, output = null, error, durationMs } = event.data
      return withTool(turn, callId, (step) => ({
        ...step,
        state: ok ? 'done' : 'failed',
        output,
        error: error?.message ?? null,
        durationMs,
      }))
    }
    case 'data_requested':
      return { ...turn, request: event.data }
    case 'data_received':
      return withStep(turn, { kind: 'received', satisfied: event.data.satisfied })
    case 'artifact_created': {
      const { artifactId: id, kind, title } = event.data
      return { ...turn, artifacts: [...turn.artifacts, { id, kind, title }] }
    }
    case 'agent_completed': {
      const { outcome: kind, summary, durationMs, usage } = event.data
      return ended(turn, { kind, summary, durationMs, usage })
    }
    case 'agent_failed': {
      const { message, retryable } = event.data
      return ended(turn, { kind: 'failed', message, retryable })
    }
    case 'agent_cancelled':
      return ended(turn, { kind: 'cancelled', by: event.data.by })
    default:
      return ignoring(turn, event)
  }
}

/** To the compiler there is no further type; to a server that is newer than this page there is. */
const ignoring = (turn: Turn, _: never): Turn => turn

function started(turn: Turn, { attempt, model, offline }: EventData<'agent_started'>, atMs: number): Turn {
  const running = { ...turn, phase: 'running', model, offline } as const
  if (attempt === 1 || turn.startedAtMs === null) return { ...running, startedAtMs: atMs }
  // What the lost attempt was saying is said again.
  const step: Step = { kind: 'takeover', attempt, afterMs: atMs - turn.startedAtMs }
  return withStep({ ...running, text: '', messageId: null }, step)
}

function said(turn: Turn, { messageId, text }: EventData<'message_delta'>): Turn {
  if (turn.messageId === messageId) return { ...turn, text: turn.text + text }
  const before = turn.text.trim() === '' ? turn : withStep(turn, { kind: 'thought', text: turn.text })
  return { ...before, messageId, text }
}

const ended = (turn: Turn, end: TurnEnd): Turn => ({ ...turn, phase: 'ended', end })

const withStep = (turn: Turn, step: Step): Turn => ({ ...turn, steps: [...turn.steps, step] })

function withTool(turn: Turn, callId: CallId, change: (step: ToolStep) => ToolStep): Turn {
  return {
    ...turn,
    steps: turn.steps.map((step) => (step.kind === 'tool' && step.callId === callId ? change(step) : step)),
  }
}

export type RequestProgress = ReadonlyMap<RequestId, ReadonlySet<string>>
