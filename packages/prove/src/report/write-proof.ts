import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packHistory } from '../history/history-file.ts'
import type { Line } from '../history/lines.ts'
import { viewOf } from '../history/view.ts'
import type { Proof } from '../verdict/proof-document.ts'
import { renderCtrf } from './ctrf.ts'
import { renderHtml } from './html.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'

export const historyName = 'history.jsonl.gz'

/** Everything that is told of a proof, by file name: each follows from the proof, and that from the history. */
export function reportsOf(proof: Proof, lines: readonly Line[]): Readonly<Record<string, string>> {
  const [baseline] = viewOf(lines.filter(({ k }) => k === 'fact')).facts('baseline')
  return {
    'proof.json': `${JSON.stringify(proof, null, 2)}\n`,
    'report.md': renderMarkdown(proof),
    'report.html': renderHtml(proof, baseline?.samples ?? {}),
    'junit.xml': renderJunit(proof),
    'ctrf.json': renderCtrf(proof),
  }
}

/** Readable by its owner only: a history tells how a deployment is built. */
export async function writeProof(
  directory: string,
  lines: readonly Line[],
  proof: Proof,
): Promise<ReadonlyMap<string, Uint8Array>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = new Map<string, Uint8Array>([[historyName, packHistory(lines)]])
  for (const [name, text] of Object.entries(reportsOf(proof, lines))) files.set(name, Buffer.from(text))
  for (const [name, bytes] of files) await writeFile(join(directory, name), bytes, { mode: 0o600 })
  return files
}
