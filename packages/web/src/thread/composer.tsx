import type { ThreadId } from '@holdfast/protocol'
import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react'
import { attachedFiles, type Upload, uploads } from '../live/uploads.ts'
import { createStore } from '../model/store.ts'
import type { Turn } from '../model/turn.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'
import { UploadRows } from './upload-rows.tsx'

/** What is written and not yet asked, by thread; `new` for the next one. */
export const drafts = createStore<Readonly<Record<string, string>>>({})

export const moveDraft = (from: string, to: string): void =>
  drafts.update(({ [from]: text = '', ...others }) => ({ ...others, [to]: text }))

interface ComposerProps {
  readonly threadId: ThreadId | null
  /** What is under way, if anything is. */
  readonly active: Turn | null
  /** Its files are shown by the card that asked for them. */
  readonly cardHasFiles: boolean
  readonly placeholder: string
  readonly onAsk: (text: string) => void
  readonly onStop: (turn: Turn) => void
  readonly onFiles: (files: readonly File[]) => void
}

const most = 4_000

/** Where the next question is written. */
export function Composer(props: ComposerProps): ReactNode {
  const { threadId, active, cardHasFiles, placeholder, onAsk, onStop, onFiles } = props
  const key = threadId ?? 'new'
  const text = useStore(drafts, (all) => all[key] ?? '')
  const all = useStore(uploads)
  const input = useRef<HTMLInputElement>(null)
  const hintId = useId()
  const mine: readonly Upload[] = all.filter((upload) => upload.threadId === threadId)
  const sending = mine.some(({ state }) => state.kind === 'sending' || state.kind === 'checking')
  const files = attachedFiles(all, threadId).length
  const send = (): void => {
    const question = text.trim()
    if (question === '' || sending) return
    drafts.update((now) => ({ ...now, [key]: '' }))
    onAsk(question)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a character.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <form
      aria-label="Ask"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
      className="rounded-2xl border border-edge/60 bg-surface p-2 shadow-raised focus-within:border-accent"
    >
      {!cardHasFiles && mine.length > 0 && (
        <div className="mb-2">
          <UploadRows uploads={mine} />
        </div>
      )}
      <div className="flex items-end gap-1">
        <IconButton icon="clip" label="Add files" onClick={() => input.current?.click()} />
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            onFiles([...(target.files ?? [])])
            target.value = ''
          }}
        />
        <textarea
          id="question"
          aria-label="Your question"
          aria-describedby={hintId}
          rows={1}
          maxLength={most}
          value={text}
          placeholder={placeholder}
          onChange={({ target }) => drafts.update((now) => ({ ...now, [key]: target.value }))}
          onKeyDown={onKeyDown}
          className="field-sizing-content max-h-48 min-h-9 flex-1 resize-none bg-transparent px-1 py-1.5 outline-none placeholder:text-soft"
        />
        {active !== null && (
          <Button icon="stop" onClick={() => onStop(active)} className="rounded-xl">
            Stop
          </Button>
        )}
        {(active === null || text.trim() !== '') && (
          <button
            type="submit"
            disabled={text.trim() === '' || sending}
            aria-label={active === null ? 'Ask' : 'Ask next'}
            title={active === null ? 'Ask (Enter)' : 'Ask next: it waits until the answer is there'}
            className="inline-flex size-9 items-center justify-center rounded-xl bg-accent text-on-accent hover:brightness-110 disabled:bg-sunken disabled:text-soft"
          >
            <Icon name="send" className="size-5" />
          </button>
        )}
      </div>
      <p id={hintId} className="sr-only">
        Enter asks, Shift and Enter begins a new line.{' '}
        {files > 0 && `${files} added files go with the question. `}
        {active !== null && 'A run is under way; the next question waits for it.'}
      </p>
    </form>
  )
}
