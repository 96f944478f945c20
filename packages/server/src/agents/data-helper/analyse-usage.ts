import { quoteName } from '../../workspace/casts.ts'
import type { SqlJob, SqlResult } from '../../workspace/workspace.ts'
import { type CanonicalSource, canonicalView, fieldsOf } from './canonical-view.ts'
import type { Computed, RunSql } from './computed.ts'
import type { Span } from './field-mapping.ts'
import type { Playbook } from './playbook.ts'
import { listPrices, type PriceList, pricing } from './prices.ts'
import type { Verdict } from './sufficiency.ts'

/** Runs a playbook over the canonical table of the files its verdict chose: one child process, every query in it. */
export async function analyseUsage(
  judged: {
    readonly playbook: Playbook
    readonly verdict: Verdict
    readonly tableNames: ReadonlyMap<string, string>
  },
  run: RunSql,
): Promise<Computed> {
  const { playbook, verdict, tableNames } = judged
  const tables: SqlJob['tables'] = verdict.sources.map(({ fileId }) => ({
    fileId,
    name: tableNames.get(fileId) ?? 'data',
  }))
  const sources = verdict.sources.map((mapping, index) => ({
    mapping,
    table: quoteName(tables[index]?.name ?? 'data'),
  }))
  const prices = await pricesFor(playbook, sources, tables, verdict, run)
  const { prepare, view } = canonicalView(sources, fieldsOf(playbook), prices)
  const analyses = playbook.analyses.filter(({ when }) => when === undefined || when(view))
  const results = await run({
    tables,
    prepare,
    queries: analyses.map(({ id, sql }) => ({ id, sql: sql(view) })),
  })
  const byId = new Map(results.map((result) => [result.id, result]))
  return {
    title: playbook.title,
    findings: playbook.findings(byId, view),
    queries: analyses.map(({ id, title, chart }) => ({
      result: resultOf(byId, id),
      title,
      chart: chart ?? null,
    })),
    caveats: [
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
): Promise<PriceList | null> {
  const wanted = pricing(playbook, sources)
  const at = priceDay(verdict.view.span)
  switch (wanted.kind) {
    case 'none':
      return null
    case 'models':
      return listPrices(wanted.models, at)
    case 'query': {
      const [models] = await run({ tables, prepare: [], queries: [{ id: 'models', sql: wanted.sql }] })
      return listPrices(
        (models?.rows ?? []).map(([model]) => String(model)),
        at,
      )
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
