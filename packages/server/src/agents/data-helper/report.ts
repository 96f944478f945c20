import type { Chart, Figure, QueryResult, Recommendation, Report } from '@holdfast/protocol'

/** Everything an answer is made of, before it is one text. */
export interface ReportParts {
  readonly title: string
  readonly playbook: string
  readonly outcome: 'answered' | 'partial'
  readonly figures: readonly Figure[]
  readonly paragraphs: readonly string[]
  readonly caveats: readonly string[]
  readonly queries: readonly QueryResult[]
  readonly charts: readonly Chart[]
  /** Ranked; default none. */
  readonly recommendations?: readonly Recommendation[]
}

const citation = /\[fig:([^\]]+)\]/g

/**
 * Puts the figures into the text, each followed by its citation, and holds D3: every figure is the cell it names.
 * @throws {Error} a figure that no cell backs, or a citation of no figure: a bug of the playbook, never an answer
 */
export function buildReport(parts: ReportParts, format: (figure: Figure) => string): Report {
  const figures = new Map(parts.figures.map((figure) => [figure.id, figure]))
  for (const figure of parts.figures) requireCell(figure, parts.queries)
  for (const { figure } of parts.recommendations ?? [])
    if (!figures.has(figure))
      throw new Error(`A recommendation rests on ${figure}, and there is no such figure`)
  const text = parts.paragraphs
    .map((paragraph) =>
      paragraph.replace(citation, (mark, id: string) => {
        const figure = figures.get(id)
        if (figure === undefined) throw new Error(`The text cites ${mark}, and there is no such figure`)
        return `**${format(figure)}** ${mark}`
      }),
    )
    .join('\n\n')
  return {
    title: parts.title,
    playbook: parts.playbook,
    outcome: parts.outcome,
    text,
    figures: [...parts.figures],
    queries: [...parts.queries],
    charts: [...parts.charts],
    caveats: [...parts.caveats],
    recommendations: [...(parts.recommendations ?? [])],
  }
}

function requireCell(figure: Figure, queries: readonly QueryResult[]): void {
  const query = queries.find(({ id }) => id === figure.query)
  const column = query?.columns.indexOf(figure.column) ?? -1
  const cell = query?.rows[figure.row]?.[column]
  if (cell === undefined || cell !== figure.value)
    throw new Error(
      `Figure ${figure.id} says ${figure.value}, and ${figure.query}[${figure.row}].${figure.column} holds ${cell}`,
    )
}
