import type { NewEvent, QueryResult } from '@holdfast/protocol'
import { QueryResult as QueryResultSchema } from '@holdfast/protocol'
import type { ToolContext } from '../../../tools/define-tool.ts'
import type { SqlResult } from '../../../workspace/workspace.ts'
import type { QueryRef } from '../tool-outputs.ts'

/** Keeps a query's rows as an artifact, once; everything later refers to it (D3, L7). */
export async function storeQuery(
  context: ToolContext,
  result: SqlResult,
  about: { readonly title: string; readonly verified: boolean },
): Promise<{ readonly ref: QueryRef; readonly event: NewEvent }> {
  const query: QueryResult = {
    id: result.id,
    title: about.title,
    sql: result.sql,
    verified: about.verified,
    columns: [...result.columns],
    rows: result.rows.map((row) => [...row]),
    truncated: result.truncated,
  }
  const info = await context.workspace.createArtifact(context.runId, {
    kind: 'table',
    title: about.title,
    mediaType: 'application/json',
    rows: query.rows.length,
    content: JSON.stringify(query),
  })
  return {
    ref: {
      id: query.id,
      title: about.title,
      verified: about.verified,
      artifactId: info.id,
      rows: query.rows.length,
      columns: query.columns,
    },
    event: {
      type: 'artifact_created',
      data: {
        artifactId: info.id,
        kind: 'table',
        title: about.title,
        rows: query.rows.length,
        bytes: info.bytes,
      },
    },
  }
}

export async function loadQuery(context: ToolContext, ref: QueryRef): Promise<QueryResult> {
  const bytes = await context.workspace.readArtifact(ref.artifactId)
  const query = QueryResultSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  return { ...query, artifactId: ref.artifactId }
}
