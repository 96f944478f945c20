import type { ArtifactId, EventData, MessageId, StoredEvent } from '@holdfast/protocol'

/** What a run's events say about how it went. */
export interface Story {
  readonly end: End | null
  /** The last request: a later one of the same run replaces an earlier one. */
  readonly request: EventData<'data_requested'> | null
  readonly report: ArtifactId | null
  readonly charts: readonly { readonly artifactId: ArtifactId; readonly title: string }[]
  /** The text of the final message as it was streamed, for an answer without a report. */
  readonly text: string
  /** Of `text`. */
  readonly messageId: MessageId | null
}

export type End =
  | {
      readonly kind: 'completed'
      readonly outcome: EventData<'agent_completed'>['outcome']
      readonly summary: string
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'cancelled'; readonly by: EventData<'agent_cancelled'>['by'] }

export const untold: Story = { end: null, request: null, report: null, charts: [], text: '', messageId: null }

/** A step that is said anew, or the next one, has another message id: only the last one said is the answer. */
function said(story: Story, { messageId, text }: EventData<'message_delta'>): Story {
  return { ...story, messageId, text: story.messageId === messageId ? story.text + text : text }
}

/** The story after one more event. */
export function tell(story: Story, event: StoredEvent): Story {
  switch (event.type) {
    case 'message_delta':
      return said(story, event.data)
    case 'data_requested':
      return { ...story, request: event.data }
    case 'artifact_created': {
      const { artifactId, kind, title } = event.data
      if (kind === 'report') return { ...story, report: artifactId }
      if (kind === 'chart') return { ...story, charts: [...story.charts, { artifactId, title }] }
      return story
    }
    case 'agent_completed': {
      const { outcome, summary } = event.data
      return { ...story, end: { kind: 'completed', outcome, summary } }
    }
    case 'agent_failed': {
      const { code, message } = event.data
      return { ...story, end: { kind: 'failed', code, message } }
    }
    case 'agent_cancelled':
      return { ...story, end: { kind: 'cancelled', by: event.data.by } }
    case 'agent_started':
      // A take-over writes its message anew.
      return { ...story, text: '' }
    case 'run_queued':
    case 'agent_thinking':
    case 'tool_executing':
    case 'tool_completed':
    case 'data_received':
      return story
  }
}
