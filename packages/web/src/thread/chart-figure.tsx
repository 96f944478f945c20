import type { Chart, QueryResult } from '@holdfast/protocol'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { download } from '../live/download.ts'
import { act } from '../live/notices.ts'
import { fileName } from '../model/file-name.ts'
import { Button, DownloadLink } from '../ui/button.tsx'
import { useTheme } from '../ui/use-theme.ts'
import type { DrawnChart } from './chart-view.ts'
import { QueryTable } from './query-table.tsx'

/** A chart and, beside it, the rows it is drawn of. */
export function ChartFigure({
  chart,
  query,
  rowsFile,
}: {
  readonly chart: Chart
  readonly query: QueryResult
  /** Where the rows are as CSV. */
  readonly rowsFile: string
}): ReactNode {
  const box = useRef<HTMLDivElement>(null)
  const drawn = useRef<DrawnChart | null>(null)
  const [state, setState] = useState<'waiting' | 'drawn' | 'failed'>('waiting')
  const { theme, colours } = useTheme()
  const near = useNear(box)
  const width = useWidth(box)
  useEffect(() => {
    const element = box.current
    if (!near || element === null || width < 100) return
    let over = false
    const draw = async (): Promise<void> => {
      const { drawChart } = await import('./chart-view.ts')
      if (over) return
      const fresh = document.createElement('div')
      const made = await drawChart(fresh, chart, query, { colours, dark: theme === 'dark', widthPx: width })
      if (over) return made.finish()
      drawn.current?.finish()
      drawn.current = made
      element.replaceChildren(fresh)
      setState('drawn')
    }
    // The table has everything that the picture shows.
    draw().catch(() => setState('failed'))
    return () => {
      over = true
    }
  }, [near, chart, query, theme, colours, width])
  useEffect(() => () => drawn.current?.finish(), [])
  const save = (task: (made: DrawnChart) => Promise<void>) => () => {
    const made = drawn.current
    if (made !== null) act(() => task(made))
  }
  const description = typeof chart.spec['description'] === 'string' ? chart.spec['description'] : chart.title
  return (
    <figure className="mt-5">
      <figcaption className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="mr-auto font-medium">{chart.title}</span>
        <span className="flex gap-1">
          <Button
            look="quiet"
            className="min-h-8 px-2 text-xs"
            aria-label={`Save ${chart.title} as PNG`}
            disabled={state !== 'drawn'}
            onClick={save(async (made) => download(fileName(chart.title, 'png'), await made.toPng()))}
          >
            PNG
          </Button>
          <Button
            look="quiet"
            className="min-h-8 px-2 text-xs"
            aria-label={`Save ${chart.title} as SVG`}
            disabled={state !== 'drawn'}
            onClick={save(async (made) =>
              download(fileName(chart.title, 'svg'), await made.toSvg(), 'image/svg+xml'),
            )}
          >
            SVG
          </Button>
          <DownloadLink
            look="quiet"
            className="min-h-8 px-2 text-xs"
            aria-label={`Save the rows of ${chart.title} as CSV`}
            href={rowsFile}
          >
            CSV
          </DownloadLink>
        </span>
      </figcaption>
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_fit-content(27rem)]">
        {state === 'failed' ? (
          <p className="text-sm text-soft">This chart could not be drawn here; its rows are in the table.</p>
        ) : (
          <div ref={box} role="img" aria-label={description} className="min-h-[17rem] overflow-x-auto" />
        )}
        <QueryTable query={query} maxHeight={300} />
      </div>
    </figure>
  )
}

/** Whether an element has come near the screen; once it has, it stays so. */
function useNear(target: { readonly current: HTMLElement | null }): boolean {
  const [near, setNear] = useState(false)
  useEffect(() => {
    const element = target.current
    if (element === null || near) return
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setNear(true)
      },
      { rootMargin: '600px' },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [target, near])
  return near
}

/** In steps of 20 px, so that a window being dragged does not draw a hundred times. */
function useWidth(target: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = target.current
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width / 20) * 20)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [target])
  return width
}
