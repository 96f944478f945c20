import type { ArtifactId, Figure, QueryResult, Report } from '@holdfast/protocol'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { act, notify } from '../live/notices.ts'
import { loadReport, reports } from '../live/reports.ts'
import { copyReport, reportFile } from '../live/server-files.ts'
import { count } from '../model/format.ts'
import type { Turn } from '../model/turn.ts'
import { Button, DownloadLink } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Code, Markdown } from '../ui/markdown.tsx'
import { useStore } from '../ui/use-store.ts'
import { ChartFigure } from './chart-figure.tsx'
import { Evidence } from './evidence.tsx'
import { QueryTable } from './query-table.tsx'

/** What the agent says: as it comes, and with its evidence once the report is there. */
export function Answer({ turn }: { readonly turn: Turn }): ReactNode {
  const artifact = turn.artifacts.findLast(({ kind }) => kind === 'report')
  const loaded = useStore(reports, (all) => (artifact === undefined ? undefined : all.get(artifact.id)))
  const id = artifact?.id
  useEffect(() => {
    if (id !== undefined) void loadReport(id)
  }, [id])
  if (loaded?.kind === 'there' && id !== undefined) return <ReportView id={id} report={loaded.value} />
  // The card says what the text says, and more.
  const text = turn.request !== null && artifact === undefined ? '' : turn.text
  const said =
    text === '' && turn.request === null && turn.end !== null && 'summary' in turn.end
      ? turn.end.summary
      : text
  return (
    <>
      {said !== '' && (
        <div className="mt-3">
          <Markdown text={said} />
        </div>
      )}
      {loaded?.kind === 'failed' && id !== undefined && (
        <p className="mt-3 flex flex-wrap items-center gap-3 text-sm text-bad">
          The figures and charts could not be read: {loaded.why}
          <Button icon="retry" onClick={() => void loadReport(id)}>
            Try again
          </Button>
        </p>
      )}
    </>
  )
}

function ReportView({ id, report }: { readonly id: ArtifactId; readonly report: Report }): ReactNode {
  const [shown, setShown] = useState<Figure | null>(null)
  const figure = useCallback(
    (cited: string, text: string): ReactNode => {
      const found = report.figures.find((each) => each.id === cited)
      if (found === undefined) return <strong className="font-semibold">{text}</strong>
      return (
        <button
          type="button"
          aria-label={`${text === '' ? found.label : text}: where it comes from`}
          onClick={() => setShown(found)}
          className="rounded font-semibold text-accent underline decoration-accent/40 decoration-1 underline-offset-3 hover:decoration-accent"
        >
          {text === '' ? found.label : text}
        </button>
      )
    },
    [report],
  )
  const charted = new Set(report.charts.map(({ query }) => query))
  const others = report.queries.filter((query) => !charted.has(query.id))
  const unverified = report.queries.some(({ verified }) => !verified)
  return (
    <div className="mt-3">
      <Markdown text={report.text} figure={figure} />
      {report.charts.map((chart) => {
        const query = report.queries.find((each) => each.id === chart.query)
        return query === undefined ? null : (
          <ChartFigure
            key={chart.id}
            chart={chart}
            query={query}
            rowsFile={reportFile(id, 'csv', query.id)}
          />
        )
      })}
      {/* Where there is no chart, the rows are the answer. */}
      {report.charts.length === 0 &&
        others.slice(0, 1).map((query) => (
          <div key={query.id} className="mt-4">
            <p className="mb-2 font-medium">{query.title}</p>
            <QueryTable query={query} />
          </div>
        ))}
      {report.caveats.length > 0 && (
        <aside aria-label="Caveats" className="mt-5 border-l-2 border-wait pl-3 text-sm text-soft">
          <p className="font-medium text-text">Keep in mind</p>
          <ul className="mt-1 list-disc space-y-1 pl-4">
            {report.caveats.map((caveat) => (
              <li key={caveat}>{caveat}</li>
            ))}
          </ul>
        </aside>
      )}
      <div className="mt-5 flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line pt-2 text-sm text-soft">
        <span className="mr-auto inline-flex items-center gap-1.5">
          <Icon
            name={unverified ? 'alert' : 'check'}
            className={`size-4 ${unverified ? 'text-wait' : 'text-good'}`}
          />
          {unverified ? 'Ad-hoc SQL, unverified' : 'Verified playbook'}
          {report.figures.length > 0 && ` · ${count(report.figures.length, 'figure')}, each with its cell`}
        </span>
        <ReportActions id={id} />
      </div>
      <details className="group/all text-sm">
        <summary className="-ml-1.5 inline-flex items-center gap-2 rounded-md px-1.5 py-1 text-soft hover:bg-sunken hover:text-text">
          <Icon name="chevron" className="size-3.5 transition-transform group-open/all:rotate-90" />
          {count(report.queries.length, 'query', 'queries')} behind this answer
        </summary>
        <div className="ml-1 border-l border-line pl-4">
          {report.queries.map((query) => (
            <QueryDetails
              key={query.id}
              query={query}
              rowsFile={reportFile(id, 'csv', query.id)}
              hasRows={!charted.has(query.id)}
            />
          ))}
        </div>
      </details>
      {shown !== null && <Evidence figure={shown} report={report} onClose={() => setShown(null)} />}
    </div>
  )
}

function ReportActions({ id }: { readonly id: ArtifactId }): ReactNode {
  return (
    <span className="-mr-2 flex flex-wrap">
      <Button
        look="quiet"
        icon="copy"
        onClick={() =>
          act(async () => {
            await copyReport(id)
            notify('The answer is copied as Markdown.')
          })
        }
      >
        Copy
      </Button>
      <DownloadLink look="quiet" icon="download" href={reportFile(id, 'md')}>
        Markdown
      </DownloadLink>
      <DownloadLink look="quiet" icon="download" href={reportFile(id, 'html')}>
        HTML
      </DownloadLink>
    </span>
  )
}

function QueryDetails({
  query,
  rowsFile,
  hasRows,
}: {
  readonly query: QueryResult
  /** Where the rows are as CSV. */
  readonly rowsFile: string
  readonly hasRows: boolean
}): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <details className="group mt-1 text-sm" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className="-ml-1.5 inline-flex items-center gap-2 rounded-md px-1.5 py-1 text-soft hover:bg-sunken hover:text-text">
        <Icon name="chevron" className="size-3.5 transition-transform group-open:rotate-90" />
        <Icon name="table" />
        {query.title}
        <span>
          · {count(query.rows.length, 'row')}
          {query.truncated ? ' kept of more' : ''} and SQL
        </span>
      </summary>
      {open && (
        <div className="mt-2 mb-3 space-y-2">
          {hasRows && <QueryTable query={query} />}
          <Code text={query.sql} />
          <DownloadLink look="quiet" icon="download" href={rowsFile}>
            Rows as CSV
          </DownloadLink>
        </div>
      )}
    </details>
  )
}
