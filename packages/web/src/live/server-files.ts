import type { ArtifactId, RequestId, ThreadId } from '@holdfast/protocol'
import { request } from './api.ts'

/** Where the server makes a file of a report that can be handed on. `query`: of CSV, whose rows. */
export function reportFile(report: ArtifactId, format: 'html' | 'md' | 'csv', query?: string): string {
  const wanted = new URLSearchParams({ format, ...(query === undefined ? {} : { query }) })
  return `/v1/artifacts/${report}/export?${wanted}`
}

/** A file to be filled in: the fields that are missing as its header, a sample of each below. */
export const templateFile = (threadId: ThreadId, requestId: RequestId): string =>
  `/v1/threads/${threadId}/template?request=${requestId}`

/** The text is promised, so that a browser that wants a click behind each copy still knows of this one. */
export async function copyReport(report: ArtifactId): Promise<void> {
  const text = request(reportFile(report, 'md'))
    .then((response) => response.text())
    .then((markdown) => new Blob([markdown], { type: 'text/plain' }))
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': text })])
}
