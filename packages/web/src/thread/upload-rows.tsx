import type { ReactNode } from 'react'
import { forgetUpload, type Upload } from '../live/uploads.ts'
import { formatBytes } from '../model/format.ts'
import { IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'

/** Files on their way, there, or refused. */
export function UploadRows({ uploads }: { readonly uploads: readonly Upload[] }): ReactNode {
  if (uploads.length === 0) return null
  return (
    <ul aria-label="Files to go with your question" className="flex flex-col gap-1.5">
      {uploads.map((upload) => (
        <UploadRow key={upload.id} upload={upload} />
      ))}
    </ul>
  )
}

function UploadRow({ upload }: { readonly upload: Upload }): ReactNode {
  const { id, name, bytes, sentBytes, state, cancel } = upload
  const under = state.kind === 'sending' || state.kind === 'checking'
  const share = bytes === 0 ? 1 : sentBytes / bytes
  return (
    <li
      className={`flex items-center gap-2 rounded-lg border px-2.5 py-1 text-sm ${state.kind === 'failed' ? 'border-bad bg-bad-soft' : 'border-line bg-page'}`}
    >
      <Icon
        name={state.kind === 'failed' ? 'alert' : state.kind === 'done' ? 'check' : 'file'}
        className={`size-4 ${state.kind === 'failed' ? 'text-bad' : state.kind === 'done' ? 'text-good' : 'text-soft'}`}
      />
      <span className="min-w-0 flex-1">
        <span className="block truncate">{name}</span>
        {state.kind === 'failed' && (
          <span className="block text-bad [overflow-wrap:anywhere]">{state.why}</span>
        )}
        {under && (
          <span className="mt-0.5 flex items-center gap-2 text-xs text-soft">
            <progress
              aria-label={`Upload of ${name}`}
              max={1}
              value={share}
              className="h-1.5 flex-1 accent-(--accent)"
            />
            <span className="tabular-nums">
              {state.kind === 'checking' ? 'Looking what it is…' : `${Math.round(share * 100)} %`}
            </span>
          </span>
        )}
      </span>
      {state.kind === 'done' && (
        <span className="shrink-0 text-xs text-soft">
          {state.file.kind}, {formatBytes(bytes)}
        </span>
      )}
      <IconButton
        icon="close"
        className="-mr-1.5 size-7"
        label={under ? `Cancel the upload of ${name}` : `Take ${name} away from the question`}
        onClick={under ? cancel : () => forgetUpload(id)}
      />
    </li>
  )
}
