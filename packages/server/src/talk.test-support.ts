import {
  type FileId,
  FileInfo,
  Run,
  type StoredEvent,
  type TerminalType,
  Thread,
  type ThreadId,
  terminalTypes,
} from '@holdfast/protocol'
import type { RunningServer } from './compose.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'

/** A whole server spoken to as its users do: over HTTP, and following over a socket. */
export interface Talk {
  newThread(): Promise<ThreadId>
  upload(threadId: ThreadId, name: string, content: string): Promise<FileInfo>
  /** One message, and the events of its run up to the terminal one. */
  ask(message: string, options?: AskOptions): Promise<Heard>
  get(path: string): Promise<Response>
  post(path: string, body: object): Promise<Response>
}

export interface AskOptions {
  /** Default: a new one. */
  readonly threadId?: ThreadId
  readonly files?: readonly FileId[]
  readonly model?: string
  readonly agent?: string
  /** Told of each event as it comes, the run's own only. */
  readonly onEvent?: (event: StoredEvent) => void
}

export interface Heard {
  readonly run: Run
  readonly events: readonly StoredEvent[]
  /** The last event, which is a terminal one. */
  readonly end: Extract<StoredEvent, { type: TerminalType }>
  /** The text under the message id that agent_completed names; empty where the run did not complete. */
  readonly answer: string
  /** Everything that was heard, as it came over the wire. */
  readonly wire: string
}

/** @param token default: that of local mode */
export function talkTo(server: Pick<RunningServer, 'url' | 'local'>, token = server.local?.token): Talk {
  const authorization = `Bearer ${token}`
  const request = async (method: string, path: string, body?: object): Promise<Response> => {
    const form = body instanceof FormData
    return fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined || form ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    })
  }
  const made = async (path: string, body: object): Promise<unknown> => {
    const response = await request('POST', path, body)
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const newThread = async (): Promise<ThreadId> => Thread.parse(await made('/v1/threads', {})).id

  return {
    newThread,
    get: (path) => request('GET', path),
    post: (path, body) => request('POST', path, body),
    async upload(threadId, name, content) {
      const form = new FormData()
      form.set('file', new File([content], name))
      return FileInfo.parse(await made(`/v1/threads/${threadId}/files`, form))
    },
    async ask(message, { threadId, files = [], model, agent, onEvent } = {}) {
      const thread = threadId ?? (await newThread())
      const reader = readFrames(server.url, { headers: { authorization } })
      try {
        reader.send({
          type: 'hello',
          instance: 'talk',
          subs: [{ stream: `thread/${thread}`, after: 'start' }],
        })
        const run = Run.parse(
          await made(`/v1/threads/${thread}/runs`, {
            message,
            files,
            ...(model === undefined ? {} : { model }),
            ...(agent === undefined ? {} : { agent }),
          }),
        )
        const events: StoredEvent[] = []
        for (;;) {
          for (const event of await reader.events(1)) {
            if (event.runId !== run.id) continue
            events.push(event)
            onEvent?.(event)
            if (isTerminal(event)) return heard(run, events, event)
          }
        }
      } finally {
        reader.socket.terminate()
      }
    },
  }
}

function isTerminal(event: StoredEvent): event is Heard['end'] {
  return (terminalTypes as readonly string[]).includes(event.type)
}

function heard(run: Run, events: readonly StoredEvent[], end: Heard['end']): Heard {
  const answer = events
    .flatMap((event) =>
      event.type === 'message_delta' &&
      end.type === 'agent_completed' &&
      event.data.messageId === end.data.messageId
        ? [event.data.text]
        : [],
    )
    .join('')
  return { run, events, end, answer, wire: JSON.stringify(events) }
}
