import { type ArtifactId, artifactId, Report } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'
import { sentenceOf } from './api.ts'
import { client } from './connection.ts'

export type Loaded<Value> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'there'; readonly value: Value }
  | { readonly kind: 'failed'; readonly why: string }

/** Reports by their artifact, which never changes. A failed one is asked for again by whoever shows it next. */
export const reports = createStore<ReadonlyMap<ArtifactId, Loaded<Report>>>(new Map())

const put = (id: ArtifactId, loaded: Loaded<Report>): void =>
  reports.update((all) => new Map([...all, [id, loaded]]))

export async function loadReport(id: ArtifactId): Promise<void> {
  const kind = reports.get().get(id)?.kind
  if (kind === 'loading' || kind === 'there') return
  put(id, { kind: 'loading' })
  try {
    const bytes = await client.artifact(artifactId(id))
    put(id, { kind: 'there', value: Report.parse(JSON.parse(new TextDecoder().decode(bytes))) })
  } catch (error) {
    put(id, { kind: 'failed', why: sentenceOf(error) })
  }
}
