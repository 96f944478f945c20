import type { DataRequestItem } from '@holdfast/protocol'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { fieldsIn, fileProfiles, loadFileProfile } from '../live/file-profiles.ts'
import { templateFile } from '../live/server-files.ts'
import { attachedFiles, uploads } from '../live/uploads.ts'
import { count } from '../model/format.ts'
import type { DataRequest } from '../model/turn.ts'
import { Button, DownloadLink } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'
import { Choices } from './choices.tsx'
import { useThread } from './thread-context.ts'
import { UploadRows } from './upload-rows.tsx'

interface RequestCardProps {
  readonly request: DataRequest
  /** Fields that have come since. */
  readonly satisfied: ReadonlySet<string>
  /** The thread waits for this: nothing was asked after it. */
  readonly waits: boolean
  /** The answer is there in part; this would give the rest. */
  readonly unlocks: boolean
}

/** What is missing, item by item, and a place to bring it; or one question with its choices as buttons. */
export function RequestCard(props: RequestCardProps): ReactNode {
  const { request, waits, unlocks } = props
  const { items, question, approval } = request
  const arrived = useArrivedFields(waits)
  const satisfied = new Set([...props.satisfied, ...arrived])
  const titleId = useId()
  return (
    <section
      aria-labelledby={titleId}
      className="mt-4 overflow-hidden rounded-xl border border-line bg-surface shadow-raised"
    >
      {question === undefined ? (
        <Checklist titleId={titleId} items={items} satisfied={satisfied} unlocks={unlocks} />
      ) : (
        <Choices titleId={titleId} question={question} approval={approval} waits={waits} />
      )}
      {items.length > 0 && waits && <DropPlace request={request} />}
    </section>
  )
}

/** Fields of the files that were just added: an item is ticked off before anything is asked again. */
function useArrivedFields(waits: boolean): readonly string[] {
  const { threadId } = useThread()
  const all = useStore(uploads)
  const profiles = useStore(fileProfiles)
  const ids = waits ? attachedFiles(all, threadId).map(({ id }) => id) : []
  const key = ids.join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the ids
  useEffect(() => {
    for (const id of ids) void loadFileProfile(id)
  }, [key])
  return fieldsIn(profiles, ids)
}

function Checklist({
  titleId,
  items,
  satisfied,
  unlocks,
}: {
  readonly titleId: string
  readonly items: readonly DataRequestItem[]
  readonly satisfied: ReadonlySet<string>
  readonly unlocks: boolean
}): ReactNode {
  const open = items.filter(({ field }) => !satisfied.has(field)).length
  const title =
    open === 0
      ? 'Everything that was missing is here'
      : unlocks
        ? `${count(open, 'more thing')} would give the rest`
        : `${count(open, 'thing')} ${open === 1 ? 'is' : 'are'} missing for an answer`
  return (
    <div className="p-4 pb-2">
      <h3 id={titleId} className="font-semibold">
        {title}
      </h3>
      <ul className="mt-2">
        {items.map((item) => (
          <Item key={item.field} item={item} has={satisfied.has(item.field)} />
        ))}
      </ul>
    </div>
  )
}

function Item({ item, has }: { readonly item: DataRequestItem; readonly has: boolean }): ReactNode {
  const { field, why, format, sample, howTo, unlocks } = item
  return (
    <li className="flex gap-3 border-t border-line py-3 first:border-t-0 first:pt-1">
      <span className={`mt-0.5 ${has ? 'text-good' : 'text-soft'}`}>
        <Icon name={has ? 'check' : 'circle'} className="size-5" />
        <span className="sr-only">{has ? 'There: ' : 'Missing: '}</span>
      </span>
      <div className="min-w-0 flex-1 text-sm [overflow-wrap:anywhere]">
        <p>
          <code className="rounded bg-sunken px-1.5 py-0.5 font-mono text-[13px] font-medium">{field}</code>
        </p>
        {!has && (
          <>
            <p className="mt-1.5">{why}</p>
            <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-3 gap-y-1 text-soft">
              <dt>Format</dt>
              <dd>{format}</dd>
              {sample !== '' && (
                <>
                  <dt>Sample</dt>
                  <dd>
                    <code className="font-mono text-[13px] text-text">{sample}</code>
                  </dd>
                </>
              )}
              <dt>Unlocks</dt>
              <dd>{unlocks}</dd>
            </dl>
            {howTo.length > 0 && <HowToList howTo={howTo} />}
          </>
        )}
      </div>
    </li>
  )
}

function HowToList({ howTo }: { readonly howTo: DataRequestItem['howTo'] }): ReactNode {
  return (
    <details className="group mt-1.5">
      <summary className="-ml-1.5 inline-flex items-center gap-1.5 rounded-md px-1.5 py-0.5 text-accent hover:bg-sunken">
        <Icon name="chevron" className="size-3.5 transition-transform group-open:rotate-90" />
        Where to get it: {howTo.map(({ provider }) => provider).join(', ')}
      </summary>
      <dl className="mt-1 space-y-2 border-l border-line pl-3">
        {howTo.map(({ provider, steps }) => (
          <div key={provider}>
            <dt className="font-medium">{provider}</dt>
            <dd className="text-soft">{steps}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function DropPlace({ request }: { readonly request: DataRequest }): ReactNode {
  const { threadId, addFiles, ask, busy } = useThread()
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const all = useStore(uploads)
  const mine = all.filter((upload) => upload.threadId === threadId)
  const ready = attachedFiles(all, threadId)
  const sending = mine.some(({ state }) => state.kind === 'sending' || state.kind === 'checking')
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the button does the same
    <div
      className={`space-y-3 border-t p-4 transition-colors ${over ? 'border-accent bg-accent-soft' : 'border-line bg-page'}`}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={() => setOver(false)}
    >
      <UploadRows uploads={mine} />
      <div className="flex flex-wrap items-center gap-2">
        {ready.length > 0 && (
          <Button
            look="primary"
            icon="check"
            disabled={sending || busy}
            onClick={() => ask('Here is the data you asked for.')}
          >
            Go on with {count(ready.length, 'file')}
          </Button>
        )}
        <Button
          look={ready.length > 0 ? 'plain' : 'primary'}
          icon="upload"
          onClick={() => input.current?.click()}
        >
          {ready.length > 0 ? 'Add another file' : 'Add the file'}
        </Button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            addFiles([...(target.files ?? [])])
            target.value = ''
          }}
        />
        {request.template !== undefined && (
          <DownloadLink look="quiet" icon="download" href={templateFile(threadId, request.requestId)}>
            Template
          </DownloadLink>
        )}
        <span className="text-sm text-soft">or drop it anywhere on the page</span>
      </div>
    </div>
  )
}
