import type { Cell, QueryResult } from '@holdfast/protocol'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { preferences } from '../live/preferences.ts'
import { formatCell } from '../model/format.ts'
import { useStore } from '../ui/use-store.ts'

const rowPx = 30
/** Rows beyond the visible ones that are kept, so that scrolling shows no holes. */
const overscan = 12

interface QueryTableProps {
  readonly query: Pick<QueryResult, 'title' | 'columns' | 'rows'>
  /** A row and column to point at. */
  readonly mark?: { readonly row: number; readonly column: string } | null
  readonly maxHeight?: number
}

/** Rows of a query: only those that can be seen are there, however many it has. */
export function QueryTable({ query, mark = null, maxHeight = 320 }: QueryTableProps): ReactNode {
  const { columns, rows } = query
  const timeZone = useStore(preferences, ({ timeZone: zone }) => zone)
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    overscan,
    // Before the box is measured it has some height already, so that the first picture has its rows.
    initialRect: { width: 0, height: maxHeight },
  })
  const markedRow = mark?.row ?? null
  useEffect(() => {
    if (markedRow !== null) virtual.scrollToIndex(markedRow, { align: 'center' })
  }, [markedRow, virtual])
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const numeric = columns.map((_, at) => rows.some((row) => typeof row[at] === 'number'))
  return (
    <section
      ref={box}
      aria-label={`Rows of ${query.title}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      style={{ maxHeight }}
      className="overflow-auto rounded-lg border border-line"
    >
      <table aria-rowcount={rows.length + 1} className="w-full border-separate border-spacing-0 text-[13px]">
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th
                key={column}
                scope="col"
                className={`sticky top-0 border-b border-line bg-sunken px-2.5 py-1.5 font-medium whitespace-nowrap ${numeric[at] ? 'text-right' : 'text-left'}`}
              >
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Gap px={above} columns={columns.length} />}
          {items.map(({ index }) => (
            <tr key={index} aria-rowindex={index + 2} className={index === markedRow ? 'bg-accent-soft' : ''}>
              {columns.map((column, at) => (
                <TableCell
                  key={column}
                  text={formatCell(rows[index]?.[at], timeZone)}
                  cell={rows[index]?.[at]}
                  marked={index === markedRow && column === mark?.column}
                />
              ))}
            </tr>
          ))}
          {below > 0 && <Gap px={below} columns={columns.length} />}
        </tbody>
      </table>
    </section>
  )
}

function TableCell(props: {
  readonly text: string
  readonly cell: Cell | undefined
  readonly marked: boolean
}): ReactNode {
  const { text, cell, marked } = props
  return (
    <td
      className={`h-[30px] max-w-[22rem] truncate border-b border-line/60 px-2.5 ${typeof cell === 'number' ? 'text-right tabular-nums' : ''} ${marked ? 'font-semibold outline-2 -outline-offset-2 outline-accent outline-solid' : ''}`}
      title={text.length > 40 ? text : undefined}
    >
      {text}
    </td>
  )
}

function Gap({ px, columns }: { readonly px: number; readonly columns: number }): ReactNode {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row without content takes no focus
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height: px, padding: 0 }} />
    </tr>
  )
}
