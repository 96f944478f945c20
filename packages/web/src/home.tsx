import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { request } from './live/api.ts'
import { askInThread, titleOf } from './live/ask.ts'
import { client } from './live/connection.ts'
import { act, report } from './live/notices.ts'
import { uploadFile } from './live/uploads.ts'
import { navigate } from './routing.ts'
import { Composer, drafts, moveDraft } from './thread/composer.tsx'
import { useFileDrop } from './thread/file-drop.tsx'
import { Icon, type IconName } from './ui/icon.tsx'

const sampleName = 'sample-usage.csv'

/** Of our own sample: a made-up month of AI usage. */
const sampleQuestions: readonly (readonly [icon: IconName, question: string, says: string])[] = [
  ['table', 'Where does the money go?', 'Cost by model, feature and customer'],
  ['clock', 'Why is it slow, what is our p95?', 'Latency, its tail and what is behind it'],
  ['gauge', 'What is our peak load in requests and tokens per minute?', 'Peaks per minute, zero-filled'],
]

/** Before anything is asked: what this is, in three lines, and a way to try it at one click. */
export function Home(): ReactNode {
  const [busy, setBusy] = useState(false)
  const ask = useCallback((text: string): void => {
    const begin = async (): Promise<void> => {
      const { id } = await client.createThread({ title: titleOf(text) })
      await askInThread(id, text)
      navigate({ kind: 'thread', threadId: id })
    }
    begin().catch((error: unknown) => {
      drafts.update((now) => ({ ...now, new: now['new'] || text }))
      report(error)
    })
  }, [])
  const addFiles = useCallback((files: readonly File[]): void => {
    const [first] = files
    if (first === undefined) return
    act(async () => {
      const { id } = await client.createThread({ title: titleOf(first.name) })
      moveDraft('new', id)
      navigate({ kind: 'thread', threadId: id })
      await Promise.all(files.map((file) => uploadFile(id, file)))
    })
  }, [])
  const trySample = (question: string): void => {
    setBusy(true)
    act(async () => {
      try {
        const rows = await (await request(`/page/${sampleName}`)).blob()
        const { id } = await client.createThread({ title: titleOf(question) })
        await uploadFile(id, new File([rows], sampleName, { type: 'text/csv' }))
        await askInThread(id, question)
        navigate({ kind: 'thread', threadId: id })
      } finally {
        setBusy(false)
      }
    })
  }
  const curtain = useFileDrop(addFiles)
  useEffect(() => {
    document.title = 'Holdfast'
  }, [])
  return (
    <div className="flex h-full flex-col overflow-y-auto">
      <div className="mx-auto my-auto w-full max-w-2xl px-4 py-10 sm:px-6">
        <h1 className="text-2xl font-semibold tracking-tight text-balance">
          What do you want to know of your data?
        </h1>
        <ul className="mt-4 space-y-1.5 text-soft">
          <li>Ask first, or add an export first: CSV, JSON, Parquet or Excel.</li>
          <li>You get an answer whose every figure leads to the query and the row it comes from.</li>
          <li>Or a list of exactly what is missing, and where to get it. Never a guess.</li>
        </ul>
        <div className="mt-6">
          <Composer
            threadId={null}
            active={null}
            cardHasFiles={false}
            placeholder="Where does the money go?"
            onAsk={ask}
            onStop={() => {}}
            onFiles={addFiles}
          />
        </div>
        <section aria-labelledby="sample" className="mt-10">
          <h2 id="sample" className="text-sm font-medium text-soft">
            No data at hand? Try one of these on a made-up month of AI usage
          </h2>
          <ul className="mt-2 divide-y divide-line border-y border-line">
            {sampleQuestions.map(([icon, question, says]) => (
              <li key={question}>
                <button
                  type="button"
                  disabled={busy}
                  onClick={() => trySample(question)}
                  className="group flex w-full items-center gap-3 px-2 py-3 text-left hover:bg-sunken disabled:opacity-60"
                >
                  <Icon name={icon} className="size-5 text-accent" />
                  <span className="min-w-0 flex-1">
                    <span className="block font-medium">{question}</span>
                    <span className="block text-sm text-soft">{says}</span>
                  </span>
                  <Icon
                    name="chevron"
                    className="size-4 text-soft transition-transform group-hover:translate-x-0.5"
                  />
                </button>
              </li>
            ))}
          </ul>
        </section>
      </div>
      {curtain}
    </div>
  )
}
