import { stat, writeFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import type { HoldfastClient } from '@holdfast/client'
import { UsageError } from '../usage-error.ts'
import type { Told } from './conversation.ts'

export interface ReportFile {
  readonly path: string
  readonly format: 'html' | 'md'
}

/** Before anything is started: a name whose ending says how, in a directory that is there. @throws {UsageError} */
export async function prepareReport(path: string): Promise<ReportFile> {
  const ending = extname(path).toLowerCase()
  if (ending !== '.html' && ending !== '.md')
    throw new UsageError(`--report ${path}: end the name in .html or .md, which says how it is written.`)
  const directory = await stat(dirname(path)).catch(() => null)
  if (directory === null || !directory.isDirectory())
    throw new UsageError(`--report ${path}: there is no directory ${dirname(path)}.`)
  return { path, format: ending === '.html' ? 'html' : 'md' }
}

/** @returns false: the run made no report, and nothing is written */
export async function saveReport(
  client: Pick<HoldfastClient, 'artifact'>,
  { report }: Pick<Told, 'report'>,
  { path, format }: ReportFile,
): Promise<boolean> {
  if (report === null) return false
  const svgs = new Map<string, string>()
  if (format === 'html')
    for (const { id, artifactId } of report.charts)
      if (artifactId !== undefined) svgs.set(id, new TextDecoder().decode(await client.artifact(artifactId)))
  // On demand: most questions ask for none, and it is half of the server.
  const { reportHtml, reportMarkdown } = await import('@holdfast/server')
  const whole = { report, svgs, createdAt: new Date().toISOString() }
  await writeFile(path, format === 'html' ? reportHtml(whole) : reportMarkdown(whole))
  return true
}
