import type { Figure, Report } from '@holdfast/protocol'
import type { ReactNode } from 'react'
import { preferences } from '../live/preferences.ts'
import { formatCell } from '../model/format.ts'
import { Code } from '../ui/markdown.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { useStore } from '../ui/use-store.ts'
import { QueryTable } from './query-table.tsx'

/** Where a figure comes from: the query, its row, its SQL. */
export function Evidence({
  figure,
  report,
  onClose,
}: {
  readonly figure: Figure
  readonly report: Report
  readonly onClose: () => void
}): ReactNode {
  const timeZone = useStore(preferences, ({ timeZone: zone }) => zone)
  const query = report.queries.find(({ id }) => id === figure.query)
  return (
    <Sheet title="Where this figure comes from" onClose={onClose}>
      <p className="text-sm text-soft">{figure.label}</p>
      <p className="mt-0.5 text-2xl font-semibold tabular-nums">
        {formatCell(figure.value, timeZone)}{' '}
        <span className="text-base font-normal text-soft">{figure.unit}</span>
      </p>
      {query !== undefined && (
        <>
          <p className="mt-4 text-sm">
            It is the cell <code className="rounded bg-sunken px-1">{figure.column}</code> of row{' '}
            {figure.row + 1} of {query.rows.length.toLocaleString('en')} in “{query.title}”.
          </p>
          <p className="mt-1 mb-3 text-sm text-soft">
            {query.verified
              ? 'The query is part of a playbook and was tested with it.'
              : 'The query is ad-hoc SQL: nobody has verified it.'}
          </p>
          <QueryTable query={query} mark={{ row: figure.row, column: figure.column }} maxHeight={280} />
          <h3 className="mt-4 mb-2 text-sm font-semibold">SQL, as it ran</h3>
          <Code text={query.sql} />
        </>
      )}
    </Sheet>
  )
}
