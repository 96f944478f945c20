import { quoteName } from '../../workspace/casts.ts'
import type { SqlJob, SqlResult } from '../../workspace/workspace.ts'
import { type CanonicalSource, canonicalView, fieldsOf } from './canonical-view.ts'
import type { Computed, RunSql } from './computed.ts'
import type { Span } from './field-mapping.ts'
import type { Playbook } from './playbook.ts'
import { ranked, recommendationText } from './playbooks/recommend.ts'
import { listPrices, type PriceList, pricing } from './prices.ts'
import { smallerModels, smallerModelsSql } from './smaller-models.ts'
import type { Verdict } from './sufficiency.ts'

/** Runs a playbook over the canonical table of the files its verdict chose: one child process, every query in it. */
export async function analyseUsage(
  judged: {
    readonly playbook: Playbook
    readonly verdict: Verdict
    readonly tableNames: ReadonlyMap<string, string>
    /** "only rows where …"; null or absent: about all rows. */
    readonly limits?: string | null
  },
  run: RunSql,
): Promise<Computed> {
  const { playbook, verdict, tableNames, limits = null } = judged
  const tables: SqlJob['tables'] = verdict.sources.map(({ fileId }) => ({
    fileId,
    name: tableNames.get(fileId) ?? 'data',
  }))
  const sources = verdict.sources.map((mapping, index) => ({
    mapping,
    table: quoteName(tables[index]?.name ?? 'data'),
  }))
  const { prices, smaller } = await pricesFor(playbook, sources, tables, verdict, run)
  const made = canonicalView(sources, fieldsOf(playbook), prices, verdict.view.choices)
  const { prepare } = made
  const view = { ...made.view, compare: verdict.view.compare }
  const analyses = playbook.analyses.filter(({ when }) => when === undefined || when(view))
  const results = await run({
    tables,
    prepare: [...prepare, ...(prices === null ? [] : smaller)],
    queries: analyses.map(({ id, sql }) => ({ id, sql: sql(view) })),
  })
  const byId = new Map(results.map((result) => [result.id, result]))
  const found = playbook.findings(byId, view)
  const recommendations = ranked(found.recommendations ?? [])
  return {
    title: limits === null ? playbook.title : `${playbook.title}, ${limits}`,
    findings: {
      ...found,
      recommendations,
      paragraphs: [
        ...(limits === null ? [] : [`This is about ${limits}.`]),
        ...found.paragraphs,
        ...recommendationText(recommendations),
      ],
    },
    queries: analyses.map(({ id, title, chart }) => ({
      result: resultOf(byId, id),
      title,
      chart: chart ?? null,
    })),
    caveats: [
      ...(found.shortfalls ?? []),
      ...verdict.reductions.map(({ says }) => says),
      ...playbook.caveats,
      ...view.notes,
      ...verdict.notes,
    ],
  }
}

async function pricesFor(
  playbook: Playbook,
  sources: readonly CanonicalSource[],
  tables: SqlJob['tables'],
  verdict: Verdict,
  run: RunSql,
): Promise<{ readonly prices: PriceList | null; readonly smaller: readonly string[] }> {
  const wanted = pricing(playbook, sources)
  const at = priceDay(verdict.view.span)
  const priced = (models: readonly string[]) => {
    if (playbook.smallerModels !== true) return { prices: listPrices(models, at), smaller: [] }
    const smaller = smallerModels(models)
    const names = new Set([...models, ...smaller.map((each) => each.smaller)])
    return { prices: listPrices([...names], at), smaller: [smallerModelsSql(smaller)] }
  }
  switch (wanted.kind) {
    case 'none':
      return { prices: null, smaller: [] }
    case 'models':
      return priced(wanted.models)
    case 'query': {
      const [models] = await run({ tables, prepare: [], queries: [{ id: 'models', sql: wanted.sql }] })
      return priced((models?.rows ?? []).map(([model]) => String(model)))
    }
  }
}

/** The prices of the data's own time, which is what was paid then; relative times (of a trace) have none. */
function priceDay(span: Span | null): Date {
  const last = span === null ? new Date() : new Date(span.to)
  return last.getUTCFullYear() < firstPricedYear ? new Date() : last
}

/** Nobody sold tokens before; a time before it counts from a start of its own. */
const firstPricedYear = 2020

function resultOf(results: ReadonlyMap<string, SqlResult>, id: string): SqlResult {
  const result = results.get(id)
  if (result === undefined) throw new Error(`The job returned no result for ${id}`)
  return result
}
