import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HoldfastClient } from '@holdfast/client'
import type { ArtifactId } from '@holdfast/protocol'
import { UsageError } from '../usage-error.ts'
import type { Told } from './conversation.ts'

interface SavedChart {
  readonly name: string
  readonly artifactId: ArtifactId
}

/** A file name made of what the server says, which must not become a path. */
const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60) || 'chart'

/** The charts of a run under names that differ. Pure. */
export function chartFiles({ report, story }: Pick<Told, 'report' | 'story'>): readonly SavedChart[] {
  const charts =
    report === null
      ? story.charts.map(({ title, artifactId }) => ({ name: title, artifactId }))
      : report.charts.flatMap(({ id, artifactId }) =>
          artifactId === undefined ? [] : [{ name: id, artifactId }],
        )
  const taken = new Map<string, number>()
  return charts.map(({ name, artifactId }) => {
    const base = slug(name)
    const times = (taken.get(base) ?? 0) + 1
    taken.set(base, times)
    return { name: times === 1 ? `${base}.svg` : `${base}--${times}.svg`, artifactId }
  })
}

/** Before anything is started: a directory that is there, or can be made. @throws {UsageError} */
export async function prepareOut(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => null)
  if (found !== null && !found.isDirectory())
    throw new UsageError(`--out ${directory}: is a file. Name a directory for the charts.`)
  await mkdir(directory, { recursive: true })
}

/** @returns the paths written */
export async function saveCharts(
  client: HoldfastClient,
  told: Told,
  directory: string,
): Promise<readonly string[]> {
  const paths: string[] = []
  for (const { name, artifactId } of chartFiles(told)) {
    const path = join(directory, name)
    await writeFile(path, await client.artifact(artifactId))
    paths.push(path)
  }
  return paths
}
