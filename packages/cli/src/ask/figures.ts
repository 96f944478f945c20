import type { Cell, Figure } from '@holdfast/protocol'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 })
const small = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })
const moment = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?Z$/

/** `2023-11-16T18:31:00.000Z` as `2023-11-16 18:31`; seconds only where there are any. */
function formatMoment(text: string): string | null {
  const parts = moment.exec(text)
  if (parts === null) return null
  const [, day, minute, seconds = '00', fraction = ''] = parts
  const rest = fraction.replace(/0+$/, '')
  if (rest !== '') return `${day} ${minute}:${seconds}.${rest}`
  return seconds === '00' ? `${day} ${minute}` : `${day} ${minute}:${seconds}`
}

/** A cell as a person reads it. Nothing is rounded that six digits after the point can show. */
export function formatCell(cell: Cell): string {
  if (cell === null) return '–'
  if (typeof cell === 'string') return formatMoment(cell) ?? cell
  if (typeof cell !== 'number') return String(cell)
  return cell !== 0 && Math.abs(cell) < 0.001 ? small.format(cell) : grouped.format(cell)
}

/** `1,257,868 tokens/min` */
export function formatFigure(figure: Figure): string {
  const text = formatCell(figure.value)
  return figure.unit === '' || figure.value === null ? text : `${text} ${figure.unit}`
}

/**
 * The text as a person reads it. A report writes `**585 requests/min** [fig:peak]`: the citation goes, because the
 * figures are listed below with their queries. A citation that stands alone becomes its figure; one of a figure
 * that does not exist stays, and so shows.
 */
export function withoutCitations(text: string, figures: readonly Figure[]): string {
  const byId = new Map(figures.map((figure) => [figure.id, figure]))
  return text.replace(/(\*\* )?\[fig:([^\]\s]+)\]/g, (citation, value: string | undefined, id: string) => {
    const figure = byId.get(id)
    if (figure === undefined) return citation
    return value === undefined ? formatFigure(figure) : '**'
  })
}

/** `**words**` made bold, or plain where `bold` is the identity. */
export function renderStrong(text: string, bold: (words: string) => string): string {
  return text.replace(/\*\*([^*\n]+)\*\*/g, (_, words: string) => bold(words))
}
