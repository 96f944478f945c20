import { type ColumnInfo, type FileId, type FileProfileInfo, FileRows } from '@holdfast/protocol'
import { type ReactNode, useEffect, useState } from 'react'
import { requestJson } from '../live/api.ts'
import { fileProfiles, loadFileProfile } from '../live/file-profiles.ts'
import { report } from '../live/notices.ts'
import { preferences } from '../live/preferences.ts'
import { count, formatCell } from '../model/format.ts'
import { QueryTable } from '../thread/query-table.tsx'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'

/** What a file holds: columns, what they mean, what is wrong with them, and its first rows. */
export function FileContent({ fileId, name }: { readonly fileId: FileId; readonly name: string }): ReactNode {
  const loaded = useStore(fileProfiles, (all) => all.get(fileId))
  useEffect(() => void loadFileProfile(fileId), [fileId])
  if (loaded === undefined || loaded.kind === 'loading')
    return (
      <p className="flex items-center gap-2 px-2 py-3 text-sm text-soft" role="status">
        <Icon name="spinner" className="size-4" />
        Reading the file…
      </p>
    )
  if (loaded.kind === 'failed')
    return (
      <div className="mx-1 my-2 rounded-lg border border-bad bg-bad-soft p-3 text-sm">
        <p className="[overflow-wrap:anywhere]">{loaded.why}</p>
        <Button className="mt-2" icon="retry" onClick={() => void loadFileProfile(fileId)}>
          Try again
        </Button>
      </div>
    )
  return (
    <div className="space-y-4 px-1 pt-1 pb-3 text-sm">
      <Profile profile={loaded.value} />
      <Preview fileId={fileId} name={name} />
    </div>
  )
}

const grains: Readonly<Record<string, string>> = {
  request: 'a request',
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
}

function Profile({ profile }: { readonly profile: FileProfileInfo }): ReactNode {
  const { rows, columns, format, grain, problems, fields } = profile
  return (
    <>
      <p>
        {count(rows, 'row')}, {count(columns.length, 'column')}
        {format !== null && `, recognised as ${format.replaceAll('_', ' ')}`}
        {grains[grain] !== undefined && `; a row stands for ${grains[grain]}`}.
      </p>
      {problems.length > 0 && (
        <div className="rounded-lg border border-line bg-wait-soft p-3">
          <p className="flex items-center gap-2 font-medium">
            <Icon name="alert" className="size-4 text-wait" />
            Worth knowing
          </p>
          <ul className="mt-1 list-disc space-y-1 pl-5">
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <div>
        <h3 className="mb-1 font-semibold">Columns</h3>
        <ul className="divide-y divide-line border-y border-line">
          {columns.map((column) => (
            <Column key={column.name} column={column} rows={rows} fields={fields} />
          ))}
        </ul>
      </div>
    </>
  )
}

function Column({
  column,
  rows,
  fields,
}: {
  readonly column: ColumnInfo
  readonly rows: number
  readonly fields: FileProfileInfo['fields']
}): ReactNode {
  const timeZone = useStore(preferences, (all) => all.timeZone)
  const { name, type, filled, distinct, samples, range } = column
  const share = rows === 0 ? 0 : filled / rows
  const meant = fields.filter(({ columns }) => columns.includes(name))
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 py-1.5">
      <span className="min-w-0 truncate font-mono text-[13px]">{name}</span>
      <span className="text-xs text-soft">
        {type}
        {share < 1 && `, ${(share * 100).toFixed(share > 0.995 ? 1 : 0)} % filled`}
      </span>
      <span className="col-span-2 truncate text-xs text-soft">
        {range !== null
          ? `${formatCell(range.min, timeZone)} to ${formatCell(range.max, timeZone)}`
          : `${distinct.toLocaleString('en')} different: ${samples.slice(0, 3).join(', ')}`}
      </span>
      {meant.map(({ field, evidence, mapped }) => (
        <span key={field} className="col-span-2 mt-0.5 flex gap-1.5 text-xs">
          <Icon
            name={mapped ? 'check' : 'question'}
            className={`mt-0.5 size-3.5 ${mapped ? 'text-good' : 'text-wait'}`}
          />
          <span className="min-w-0">
            <span className="font-medium">{field}</span> <span className="text-soft">{evidence}</span>
          </span>
        </span>
      ))}
    </li>
  )
}

function Preview({ fileId, name }: { readonly fileId: FileId; readonly name: string }): ReactNode {
  const [rows, setRows] = useState<FileRows | null>(null)
  useEffect(() => {
    const gone = new AbortController()
    requestJson(`/v1/files/${fileId}/rows`, { signal: gone.signal })
      .then((answer) => setRows(FileRows.parse(answer)))
      .catch((error: unknown) => {
        if (!gone.signal.aborted) report(error)
      })
    return () => gone.abort()
  }, [fileId])
  if (rows === null) return null
  return (
    <div>
      <h3 className="mb-1 font-semibold">First rows</h3>
      <QueryTable query={{ title: name, ...rows }} maxHeight={260} />
    </div>
  )
}
